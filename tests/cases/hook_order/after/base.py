import log

V = 2


def __before_update__(update):
    log.CALLS.append('before base')


def __after_update__(update):
    log.CALLS.append('after base')
