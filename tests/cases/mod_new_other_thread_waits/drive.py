from types import SimpleNamespace as S


def setup():
    import gate, m
    gate.thread.start()
    return S(gate=gate, m=m, again=False)


def apply(s, update):
    update()
    # undone and made again: an undo unloads the first one
    s.again = update.midflight is not None and update.midflight.status()["number"] > 1


def check(s):
    s.gate.thread.join()
    import slow
    (module, value), = s.gate.got
    assert value == 2 and s.m.X == 2 and (module is slow or (s.again and module.__name__ == "slow")), s.gate.got
