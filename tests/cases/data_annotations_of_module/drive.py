from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, key=m.key)


def check(s):
    assert s.m.__annotations__ == {"first": int, "added": bytes, "second": dict, "taken": int, "bare": complex,
                                   "key": object, "moved_down": str}, s.m.__annotations__
    assert s.m.key() == s.key() == 2 and s.m.added == b"" and s.m.second == {}


def report(s, r):
    names = {entry["name"] for entry in r["changed"]}
    assert not {name for name in names if name.startswith("__")}, names


def check2(s):
    assert s.m.__annotations__ == {"first": int, "taken": str, "key": object, "moved_down": str}, s.m.__annotations__
    assert s.m.taken == "1" and not hasattr(s.m, "second") and s.m.key() == 3
