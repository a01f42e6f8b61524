CONF = {'db': {'host': 'a', 'port': 2}, 'tags': ['x', 'y'], 'keep': {'n': 0}}
