BUSY = True


def __before_update__(update):
    import midflight
    if BUSY:
        raise midflight.Veto('a game is on')


def f():
    return 1
