import functools


@functools.singledispatch
def show(value):
    return "thing"


@show.register
def show_number(value: float):
    return "number"


@show.register
def show_text(value: str):
    return "text"
