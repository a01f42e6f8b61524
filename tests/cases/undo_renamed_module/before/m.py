from old_name import make, Thing, helper


def f():
    return make().go()
