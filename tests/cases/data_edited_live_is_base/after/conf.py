TIMEOUT = 20
HOSTS = ('a', 'c')
PATH = b'y'
RATIO = 0.25
FLAG = True
NOTHING = 'something'
