from types import SimpleNamespace as S


import asyncio


def setup():
    import m
    loop = asyncio.new_event_loop()
    out = []
    gate = asyncio.Event()
    task = loop.create_task(m.loop(gate, out))
    loop.run_until_complete(asyncio.sleep(0.01))
    return S(m=m, loop=loop, out=out, gate=gate, task=task)


def check(s):
    s.gate.set()
    s.loop.run_until_complete(s.task)
    s.loop.close()
    assert s.out == ['new'], s.out
