import contextvars
from types import SimpleNamespace as S


def setup():
    import m
    cv = contextvars.ContextVar('cv')
    cv.set(m.P())
    cv.get()
    cv2 = contextvars.ContextVar('cv2', default=m.P()); cv2.get()
    ctx = contextvars.copy_context()
    ctx.run(cv2.set, m.P())
    tok = cv.set(m.P())
    return S(m=m, cv=cv, cv2=cv2, ctx=ctx, tok=tok)


def check(s):
    import gc
    gc.collect()
    assert type(s.cv.get()) is s.m.P and s.cv.get().y == 2
    assert s.cv2.get().y == 2 and s.ctx[s.cv2].y == 2
    s.cv.reset(s.tok)
    assert s.cv.get().y == 2
