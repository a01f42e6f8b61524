from types import SimpleNamespace as S


def setup():
    import m
    e, a, lost = m.Edited(1), m.Added(), m.Lost()
    return S(m=m, e=e, a=a, d={e: 1, a: 2, lost: 3}, s={e}, lost=lost, free=m.Free())


def check(s):
    assert hash(s.e) == hash((1, 1)) and hash(s.a) == 7 and hash(s.free) == 2
    assert list(s.d.values()) == [1, 2, 3] and s.d[s.lost] == 3


def report(s, r):
    notes = {entry["name"]: entry["text"] for entry in r["notes"] if entry["code"] == "MF311"}
    assert notes.keys() == {"Edited", "Added"}, r["notes"]
    assert "2 keys stay" in notes["Edited"] and "1 key stays" in notes["Added"], notes
