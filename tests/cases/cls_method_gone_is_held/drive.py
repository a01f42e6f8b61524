from types import SimpleNamespace as S


def setup():
    import m
    clock = m.Clock()
    clock.calls.append(clock.tick)
    clock.calls.append(m.gone)
    return S(m=m, clock=clock)


def check(s):
    assert not hasattr(s.clock, "tick") and not hasattr(s.m, "gone")
    assert [call() for call in s.clock.calls] == ["tick", "gone"]


def report(s, r):
    notes = {entry["name"]: entry["text"] for entry in r["notes"] if entry["code"] == "MF307"}
    assert notes.keys() == {"Clock.tick", "gone"}, r["notes"]
    assert "method" in notes["Clock.tick"] and "list" in notes["gone"], notes
