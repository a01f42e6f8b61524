_reload_all_data = True
TABLE = {'a': 1}
N = 1
