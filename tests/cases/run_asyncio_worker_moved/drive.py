from types import SimpleNamespace as S


import asyncio


def setup():
    import m
    loop = asyncio.new_event_loop()
    queue, out = asyncio.Queue(), []
    task = loop.create_task(m.worker(queue, out))
    queue.put_nowait(1)
    loop.run_until_complete(queue.join())
    return S(m=m, loop=loop, queue=queue, out=out, task=task)


def check(s):
    for job in 2, 3, None:
        s.queue.put_nowait(job)
    s.loop.run_until_complete(s.task)
    s.loop.close()
    assert s.out == [('old', 1), ('new', 2, 1), ('new', 3, 2), 'stopped'], s.out


def unchanged(s):
    assert s.out == [('old', 1)] and not s.task.done()


def report(s, r):
    assert not r['stragglers'], r['stragglers']
