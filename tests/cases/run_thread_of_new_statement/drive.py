import gc
import threading
from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m)


def check(s):
    for _ in range(20):
        gc.collect()
        filler = [{} for _ in range(2000)]
    del filler
    for _ in range(3):
        s.m.beat.clear()
        assert s.m.beat.wait(10) and s.m.worker.is_alive(), 'the thread has lost its namespace'
    s.m.stop.set()
    s.m.worker.join(10)
    assert not s.m.worker.is_alive()


def unchanged(s):
    assert not hasattr(s.m, 'worker'), 'the thread that it has started stays, its name does not'


def settle(s):
    """Each attempt starts a thread, which cannot be taken back."""
    s.m.stop.set()
    for thread in threading.enumerate():
        if thread is not threading.main_thread():
            thread.join()
    s.m.stop.clear()
