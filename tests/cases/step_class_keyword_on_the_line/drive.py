from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, tile=m.Tile(), cls=m.Tile)


def check(s):
    assert s.tile.sides == 6 and s.m.Tile is s.cls
