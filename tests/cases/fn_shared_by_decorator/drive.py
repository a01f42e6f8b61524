from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, other=m.other, cards=[m.Card(1), m.Card(2)], coins=[m.Coin(1), m.Coin(2)], own=m.Own(), gt=m.functools._gt_from_lt.__code__)


def check(s):
    assert s.m.named() == 'named' and s.own.run() == 'own'
    assert s.m.shared() == s.other() == 'shared'
    assert s.cards[0] > s.cards[1], 'the edited one'
    assert s.coins[1] > s.coins[0] and not s.coins[0] > s.coins[1]
    assert s.m.functools._gt_from_lt.__code__ is s.gt
