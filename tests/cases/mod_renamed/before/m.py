from old_name import make, Thing


def f():
    return make().go()
