from types import SimpleNamespace as S


def setup():
    import m
    m.Game.instances = 5
    m.Game.cheats.append('fly')
    m.Game.added = 'at run time'
    return S(m=m, g=m.Game(), cheats=m.Game.cheats)


def check(s):
    G = s.m.Game
    assert (G.instances, G.level, G.added) == (5, 2, 'at run time')
    assert G.cheats is s.cheats and s.cheats == ['fly'] and s.g.title() == 'v2'
