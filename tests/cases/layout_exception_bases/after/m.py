class App(Exception):
    pass


class Low(App, ValueError):
    pass


class Plain(ValueError):
    pass


class Osish(Exception):
    pass


class Stop(Exception):
    pass


class Key(LookupError):
    pass


class Coded(App):
    __slots__ = ('code',)

    def __init__(self, text, code):
        super().__init__(text, code)
        self.code = code


def fail(cls, *args):
    try:
        1 / 0
    except ZeroDivisionError:
        raise cls(*args)


def answer():
    return 2
