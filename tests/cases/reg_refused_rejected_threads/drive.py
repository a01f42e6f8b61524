import threading
from types import SimpleNamespace as S


def setup():
    import hub, m
    s = S(hub=hub, m=m, table=list(hub.TABLE.items()), routes=list(hub.ROUTES), stop=threading.Event(), n=0)

    def write():
        while not s.stop.is_set():
            s.n += 1
            hub.TABLE['mine', s.n] = s.n
            if s.n > 50:
                del hub.TABLE['mine', s.n - 50]
    s.thread = threading.Thread(target=write)
    s.thread.start()
    return s


def unchanged(s):
    s.stop.set()
    s.thread.join()
    assert [i for i in s.hub.TABLE.items() if isinstance(i[0], str)] == s.table, s.hub.TABLE
    mine = [v for k, v in s.hub.TABLE.items() if not isinstance(k, str)]
    assert mine == list(range(s.n - 49, s.n + 1)), (s.n, mine)
    assert s.hub.ROUTES == s.routes, s.hub.ROUTES
    assert s.m.a() == s.m.b() == s.m.gone() == 1
