class Osish(OSError):
    pass


class Stop(SystemExit):
    pass


class Imp(ImportError):
    pass


class Kept(OSError):
    __slots__ = ('note',)


class Group(ExceptionGroup):
    __slots__ = ('note',)


class Uni(UnicodeDecodeError):
    __slots__ = ('note',)


class Leave(Exception):
    pass
