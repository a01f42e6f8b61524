CALLS = []


def help(x=1):
    CALLS.append(x)
    return 'help %d' % len(CALLS)
