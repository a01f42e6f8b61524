def a(): return 'a2'
def b(): return 'b2'
def c(): return 'c2'
MENU = [('File', [('Open', a), ('Close', b), ('Save', c)]), ('Edit', [('Copy', c)])]
KEYS = {'ctrl': {'o': a, 'c': b, 's': c}, 'alt': (a, c)}
class V:
    actions = {'a': a, 'c': c}
    order = (c, b, a)
