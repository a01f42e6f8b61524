import functools


class Base:
    def pause(self):
        return "pause"


class Commands:
    table = {}
    order = []

    def command(fn, table=table, order=order):
        table[fn.__name__] = fn
        order.append(fn)
        return fn

    @command
    def start(self):
        return "start"

    @command
    def halt(self):
        return "halt"

    @functools.singledispatchmethod
    def show(self, value):
        return "thing"

    @show.register
    def _(self, value: int):
        return "int"

    @show.register
    def _(self, value: complex):
        return "complex"

    @show.register
    def _(self, value: tuple):
        return "tuple"


@Commands.show.register
def from_outside(self, value: bytes):
    return "bytes"
