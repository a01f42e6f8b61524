STATE = []


def changed_before_start():
    return 'v1'


def changed_after():
    return 'v1'
