from types import SimpleNamespace as S


def setup():
    import hub, m
    return S(hub=hub, m=m, chain=hub.CHAIN, A=m.A)


def check(s):
    assert [(n, c().run()) for n, c in s.chain] == [('a2', 'A2'), ('b', 'B')], s.chain
    assert s.chain[0][1] is s.m.A is s.A
