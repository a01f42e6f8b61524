import log

V = 1


def __before_update__(update):
    import midflight
    raise midflight.Veto('no')
