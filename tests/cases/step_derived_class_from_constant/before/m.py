import collections

FIELDS = 'x y'
Point = collections.namedtuple('Point', FIELDS)


def names():
    return Point._fields
