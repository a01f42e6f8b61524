from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, nodes=[m.Node(1, 2), m.Node(3, 4)])


def apply(s, update):
    report = update()
    if update.midflight is None or report['outcome'] != 'committed':
        return
    assert not hasattr(s.nodes[0], 'b')
    assert update.midflight.undo().outcome == 'committed'
    assert [(n.a, n.b) for n in s.nodes] == [(1, 2), (3, 4)]
    update()


def check(s):
    assert not hasattr(s.nodes[0], 'b') and s.nodes[1].a == 3
