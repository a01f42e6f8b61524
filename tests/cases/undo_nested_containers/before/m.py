def a(): return 'a1'
def b(): return 'b1'
MENU = [('File', [('Open', a), ('Close', b)]), ('Edit', [])]
KEYS = {'ctrl': {'o': a, 'c': b}, 'alt': (a, b)}
class V:
    actions = {'a': a}
    order = (b, a)
