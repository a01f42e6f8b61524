import functools


class Show:
    @functools.singledispatchmethod
    def show(self, x):
        return 'any'

    @show.register
    def _(self, x: int):
        return 'int'
