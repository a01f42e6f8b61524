CALLS = []
STATE = {'n': 1}


def __before_update__(update):
    CALLS.append('before new')


def __after_update__(update):
    CALLS.append(('after new', update.data['n'], update.outcome))
