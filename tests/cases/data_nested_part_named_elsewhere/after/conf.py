SETTINGS = {'db': {'host': 'b', 'port': 1}, 'tags': ['x', 'y'], 'limits': {'cpu': 1}}
