from types import SimpleNamespace as S


def setup():
    import pkg
    return S(pkg=pkg)


def check(s):
    import sys
    assert s.pkg.tool() == 'called'
    assert sys.modules['pkg.tool'].tool is s.pkg.tool
