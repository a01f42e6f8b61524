from new_name import make, Thing


def f():
    return make().go()
