from types import SimpleNamespace as S


def setup():
    import m
    made = [m.Gone(), m.Gone()] if hasattr(m, "Gone") else []
    sub = type("Sub", (m.Gone,), {}) if made else None
    inner = m.Outer.Inner() if made else None
    thing = m.Renamed() if made else None
    return S(m=m, made=made, sub=sub, inner=inner, thing=thing)


def check(s):
    assert not hasattr(s.m, "Gone") and not hasattr(s.m.Outer, "Inner")
    assert all(x.f() == "still here" for x in s.made)


def report(s, r):
    notes = {entry["name"]: entry["text"] for entry in r["notes"] if entry["code"] == "MF307"}
    assert notes.keys() == {"Gone", "Outer.Inner"}, r["notes"]
    assert "2 instances and 1 subclass of it live on" in notes["Gone"], notes
    assert "1 instance of it lives on" in notes["Outer.Inner"], notes
