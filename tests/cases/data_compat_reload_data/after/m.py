_reload_data = ['TABLE']
TABLE = {'a': 2}
STATE = {'a': 2}


def f():
    return 2
