import collections

FIELDS = 'x y z'
Point = collections.namedtuple('Point', FIELDS)


def names():
    return Point._fields
