STATE = []


def changed_before_start():
    return 'v2'


def changed_after():
    return 'v2'
