import abc


class Closeable(abc.ABC):
    @classmethod
    def __subclasshook__(cls, other):
        return any('close' in vars(b) for b in other.__mro__) or NotImplemented


class File:
    def open(self):
        return 1

    def close(self):
        return 0
