_reload_data = ['TABLE']
TABLE = {'a': 1}
STATE = {'a': 1}


def f():
    return 1
