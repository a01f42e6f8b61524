class Osish(OSError):
    pass


class Stop(SystemExit):
    pass


class Uni(Exception):
    pass


class Imp(ImportError):
    pass


class Group(Exception):
    pass


def answer():
    return 2
