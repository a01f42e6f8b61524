class App(Exception):
    pass


class Low(Exception):
    pass


class Plain(Exception):
    pass


class Osish(Exception):
    pass


class Stop(Exception):
    pass


class Key(KeyError):
    pass


class Coded(Exception):
    def __init__(self, text, code):
        super().__init__(text, code)
        self.code = code


def fail(cls, *args):
    try:
        1 / 0
    except ZeroDivisionError:
        raise cls(*args)


def answer():
    return 1
