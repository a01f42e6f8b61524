from new_name import make, Thing


def f():
    return make().go()


def helper():
    return "helps new " + make().go()
