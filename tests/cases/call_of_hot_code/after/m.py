import functools

LIMIT = 2


def limit():
    return LIMIT


class Box:
    def __init__(self):
        self.at = limit()

    def __getitem__(self, key):
        return limit()

    @property
    def value(self):
        return limit()

    def each(self):
        yield limit()
        yield self.at

    def __getattr__(self, name):
        return limit()

    def __eq__(self, other):
        return limit()


class Strange:
    def __getattribute__(self, name):
        return limit()


def use():
    box = Box()
    return [box.at, box[0], box.value, *box.each(), box.other, box == 1, Strange().any, functools.partial(limit)(),
            max([1], key=lambda at: limit()) and limit(), *[limit() for _ in range(2)], *map(lambda _: limit(), 'a')]


for _ in range(100):
    use()
X = use() + []
