import functools


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
    def stop(self):
        return "stop"

    @functools.singledispatchmethod
    def show(self, value):
        return "thing"

    @show.register
    def _(self, value: int):
        return "int"

    @show.register
    def _(self, value: float):
        return "float"

    @show.register
    def _(self, value: list):
        return "list"


@Commands.show.register
def from_outside(self, value: bytes):
    return "bytes"
