import collections

CHAIN = collections.deque()


def link(name):
    def deco(cls):
        CHAIN.append((name, cls))
        return cls
    return deco
