import sys
from types import SimpleNamespace as S


def setup():
    import m
    assert not {"_symtable", "__hello__"} & set(sys.modules)
    return S(names=m.names)


def check(s):
    assert s.names() == ("symtable", "__hello__")


def report(s, r):
    assert "__hello__" not in {entry["module"] for entry in r["changed"]}, r["changed"]
