import probe

probe.tick('top')
SOURCE = '\n'.join('def f%d():\n    return %d' % (i, i) for i in range(2000))
exec(SOURCE)


def edited():
    return 'old'


FUNCTIONS = {name: value for name, value in list(globals().items()) if name[:1] == 'f' and callable(value)}
