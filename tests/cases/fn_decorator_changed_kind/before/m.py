def wrap(f):
    def wrapper():
        return 'wrapper', f()
    return wrapper


class Command:
    def __init__(self, f):
        self.f = f

    def __call__(self):
        return 'command', self.f()


@wrap
def go():
    return 1
