from types import SimpleNamespace as S


def setup():
    import hub, m
    return S(hub=hub, m=m)


def check(s):
    assert s.hub.PLUGINS == [(s.m.Audio, ('slow', 'safe'))], s.hub.PLUGINS
    assert s.m.Audio.rate == 2
