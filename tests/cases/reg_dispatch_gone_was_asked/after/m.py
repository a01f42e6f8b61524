import functools


@functools.singledispatch
def show(value):
    return "thing"


@show.register
def show_text(value: str):
    return "text"
