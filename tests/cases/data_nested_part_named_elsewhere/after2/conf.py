SETTINGS = {'db': {'host': 'b', 'port': 1}, 'tags': ['x', 'z'], 'limits': {'cpu': 2}}
