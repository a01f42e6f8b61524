import base
import log

V = 1


def __before_update__(update):
    log.CALLS.append('before')


def __after_update__(update):
    log.CALLS.append(update.outcome)
