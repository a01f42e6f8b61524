from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, team=m.Team(), Team=m.Team)


def check(s):
    assert s.m.Team is s.Team and type(s.Team) is s.m.Meta and len(s.Team) == 5
    assert s.team.who() == 'team' and isinstance(s.team, s.m.Team)
