import base
import log

V = 2


def __before_update__(update):
    log.CALLS.append('before top')


def __after_update__(update):
    log.CALLS.append('after top')
