import functools

import probe


def traced(f):
    probe.tick(f.__name__)

    @functools.wraps(f)
    def wrapper(*args):
        return 'traced', f(*args)
    return wrapper
