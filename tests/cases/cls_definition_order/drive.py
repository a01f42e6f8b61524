from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, form=m.Form())


def check(s):
    assert s.form.phone == 3 and s.form.ok() == 2
    assert {k for k in vars(s.m.Form) if not k.startswith('__')} == {'name', 'phone', 'ok', 'mail'}
    assert inspect_lines(s.m.Form) == ['class Form:', '    name = 1']


def inspect_lines(cls):
    import inspect
    return [line.rstrip() for line in inspect.getsourcelines(cls)[0][:2]]
