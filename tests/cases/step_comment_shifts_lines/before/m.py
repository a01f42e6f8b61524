import probe

probe.tick('module')


def boom():
    raise ValueError('x')
