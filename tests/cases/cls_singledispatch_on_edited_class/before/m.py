import functools

from shapes import Circle, Square


@functools.singledispatch
def area(x):
    return None


@area.register
def _(x: Circle):
    return 'circle', x.r


@area.register
def _(x: Square):
    return 'square', x.a
