from deco import LIMIT, tag

DOUBLE = LIMIT * 2


@tag
def one():
    return LIMIT


class Holder:
    @tag
    def method(self):
        return DOUBLE
