import log


class User:
    def __init__(self):
        self.name = 'n'


def version():
    return 1


def __before_update__(update):
    log.CALLS.append(('before', version()))
