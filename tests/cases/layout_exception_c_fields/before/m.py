class Osish(Exception):
    pass


class Stop(Exception):
    pass


class Imp(Exception):
    pass


class Kept(OSError):
    pass


class Group(ExceptionGroup):
    pass


class Uni(UnicodeDecodeError):
    pass


class Leave(SystemExit):
    pass
