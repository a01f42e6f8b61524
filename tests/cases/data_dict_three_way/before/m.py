CONFIG = {'host': 'h', 'port': 1, 'debug': False, 'gone': 1, 'live_gone': 1}
