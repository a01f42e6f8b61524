from types import SimpleNamespace as S


def setup():
    import main
    main.slow(5)
    return S(main=main, slow=main.slow, plain=main.plain)


def check(s):
    assert s.main.run() == (11, 22), s.main.run()
    assert s.slow(5) == 15 and s.plain(5) == 30


def report(s, r):
    assert not r['notes'], r['notes']
