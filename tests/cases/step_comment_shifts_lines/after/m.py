# A comment
# of two lines.
import probe

probe.tick('module')


def boom():
    raise ValueError('x')
