SETTINGS = {'db': {'host': 'a', 'port': 1}, 'tags': ['x', 'y'], 'limits': {'cpu': 1}}
