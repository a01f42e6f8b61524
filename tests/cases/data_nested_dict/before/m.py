CONF = {'db': {'host': 'a', 'port': 1}, 'tags': ['x'], 'keep': {'n': 0}}
