from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m)


def apply(s, update):
    turns = []

    def tick():
        turns.append(len(turns))
        if len(turns) == 2:
            update()
        return len(turns) < 4

    s.out = s.m.main(tick)


def check(s):
    olds = s.out.count('old')
    assert s.out in (['old', 'new', 'new', 'new', 'new end'], ['new'] * 4 + ['new end']), s.out
    assert olds <= 1
