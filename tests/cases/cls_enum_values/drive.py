from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, fast=m.Mode.FAST, gone=getattr(m.Mode, 'GONE', None), Mode=m.Mode, table={m.Mode.FAST: 'f'})


def check(s):
    M = s.m.Mode
    assert M is s.Mode and M.FAST is s.fast and s.fast.value == 20 and M(20) is s.fast
    assert s.table[M.FAST] == 'f'
    assert [x.name for x in M] == ['SLOW', 'FAST', 'TURBO'] and M.TURBO.label() == 'Turbo'
    assert s.gone is None or (s.gone.name == 'GONE' and isinstance(s.gone, M))
    try:
        M(2)
    except ValueError:
        pass
    else:
        raise AssertionError('2 is no value any more')
