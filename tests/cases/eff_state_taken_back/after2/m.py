import array
import itertools

ids = itertools.count(1)
fives = itertools.count(10, 5)
far = itertools.count(2 ** 70).__next__
log = bytearray(b"log:")
sizes = array.array("i", [1])


class Box:
    __slots__ = ("left", "many")

    def __init__(self):
        self.left = bytearray(b"left")
        self.many = {"ids": itertools.count(100)}


box = Box()


def numbered(fn):
    fn.id = next(ids), next(fives), far(), next(box.many["ids"])
    log.extend(fn.__name__.encode())
    del log[:1]
    sizes.append(len(log))
    sizes[0] += 1
    box.left[0] += 1
    numbered.calls += 1
    return fn


numbered.calls = 0


@numbered
def first(x=1):
    return x


@numbered
def second(x=2):
    return x
