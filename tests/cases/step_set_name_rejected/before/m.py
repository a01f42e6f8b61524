from fields import Field


class A:
    _fields = []
    a = 1


X = 1
