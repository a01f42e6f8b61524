CALLS = []
STATE = {'n': 1}


def __before_update__(update):
    CALLS.append('before old')
    update.data['n'] = STATE['n']


def __after_update__(update):
    CALLS.append('after old')
