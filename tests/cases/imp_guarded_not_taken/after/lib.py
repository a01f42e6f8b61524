LIMIT = 2


class Thing(object):
    size = 2
