import probe


def loud(f):
    probe.tick(f.__name__)

    def wrapper():
        return f() + '!'
    return wrapper
