import base
import log

V = 2


def __before_update__(update):
    log.CALLS.append('before')


def __after_update__(update):
    log.CALLS.append('wrong side')
