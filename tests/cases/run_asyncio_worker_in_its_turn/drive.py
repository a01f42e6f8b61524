from types import SimpleNamespace as S


import asyncio


def setup():
    import m
    loop = asyncio.new_event_loop()
    queue, out = asyncio.Queue(), []
    task = loop.create_task(m.worker(queue, out))
    queue.put_nowait(lambda: 'first')
    loop.run_until_complete(queue.join())
    return S(m=m, loop=loop, queue=queue, out=out, task=task)


def job(s, work):
    s.queue.put_nowait(work)
    s.loop.run_until_complete(s.queue.join())


def apply(s, update):
    job(s, lambda: update() and 'turn')


def check(s):
    assert s.out[:1] == [('old', ['first'])] and len(s.out) == 2, s.out     # from Python 3.12 on the second is new


def check2(s):
    job(s, lambda: 'again')
    assert s.out[2:] == [('new', ['again'])], s.out
    s.queue.put_nowait(None)
    s.loop.run_until_complete(s.task)
    s.loop.close()
    assert s.out[3:] == ['stopped'] and s.m.other() == 2, s.out


def report2(s, r):
    assert not r['stragglers'], r['stragglers']
