import enum


class Perm(enum.Flag):
    R = enum.auto()
    W = enum.auto()
    X = enum.auto()


class Kind(str, enum.Enum):
    A = 'a'
    B = 'b'
