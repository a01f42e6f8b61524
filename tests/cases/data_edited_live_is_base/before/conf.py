TIMEOUT = 10
HOSTS = ('a', 'b')
PATH = b'x'
RATIO = 0.5
FLAG = False
NOTHING = None
