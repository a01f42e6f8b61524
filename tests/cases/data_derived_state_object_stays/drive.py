from types import SimpleNamespace as S


def setup():
    import m
    m.QUEUE.put('job')
    return S(m=m, lock=m.LOCK, queue=m.QUEUE, pool=m.POOL)


def check(s):
    assert s.m.SIZE == 4
    assert s.m.LOCK is s.lock and s.m.QUEUE is s.queue and s.m.POOL is s.pool
    assert s.queue.get_nowait() == 'job' and s.pool.tell() == 'new'
