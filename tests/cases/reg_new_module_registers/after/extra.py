import hub

hub.register('extra')


def f():
    return 'extra'
