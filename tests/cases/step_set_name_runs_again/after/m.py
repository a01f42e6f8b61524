from fields import Field


class A:
    _fields = []
    a = Field()
    b = Field(2)
    c = Field()
