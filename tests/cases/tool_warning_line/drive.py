from types import SimpleNamespace as S


import warnings


def setup():
    import m
    return S(m=m, f=m.old_api)


def check(s):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter('always')
        s.f()
    assert seen[0].lineno == 8 and seen[0].filename.endswith('m.py'), seen[0].lineno
