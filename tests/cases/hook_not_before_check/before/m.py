import log

V = 1


def __before_update__(update):
    log.CALLS.append('before')
