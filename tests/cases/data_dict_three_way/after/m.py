CONFIG = {'host': 'h', 'port': 2, 'debug': True, 'new': 5, 'live_gone': 1}
