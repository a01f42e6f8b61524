import log


class User:
    def __init__(self):
        self.name = 'n'
        self.tags = []

    def __migrate__(self, update):
        log.CALLS.append(('migrate', self.tags))


def version():
    return 2


def __before_update__(update):
    log.CALLS.append(('before', version()))


def __after_update__(update):
    log.CALLS.append(('after', version()))
