from fields import Field


class A:
    _fields = []
    a = Field()
    b = Field()
    c = Field()
