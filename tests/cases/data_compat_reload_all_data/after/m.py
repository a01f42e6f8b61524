_reload_all_data = True
TABLE = {'a': 2}
N = 2
