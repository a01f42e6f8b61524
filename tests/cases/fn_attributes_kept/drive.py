from types import SimpleNamespace as S


def setup():
    import m
    m.go()
    m.go()
    m.Shell().say()
    m.go.options["colour"] = "red"
    m.go.extra = "set at run time"
    return S(m=m, go=m.go, options=m.go.options, parts=m.go.parts, step=m.step)


def same(s, calls, name, level, default):
    go = s.go
    assert s.m.go is go and go.calls == calls and go() == default and go.calls == calls + 1, go.calls
    assert (go.name, go.level, go.extra) == (name, level, "set at run time"), vars(go)
    assert go.options is s.options == {"level": level, "colour": "red"}, go.options
    assert go.parts is s.parts and go.parts == [s.step] and s.m.step is s.step, go.parts
    assert s.m.Shell.say.calls == 1 and s.m.Shell.say.name in ("say", "SAY")


def check(s):
    same(s, 2, "go", 1, 2)


def check2(s):
    same(s, 3, "run", 3, 2)
    s.go.level = 7


def check3(s):
    same(s, 4, "RUN", 4, 2)
