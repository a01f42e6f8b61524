from types import SimpleNamespace as S


def setup():
    import m
    pen, brush = m.Pen(), m.Brush()
    isinstance(pen, m.Draws), isinstance(brush, m.Draws)
    return S(m=m, pen=pen, brush=brush)


def check(s):
    assert isinstance(s.brush, s.m.Draws)
    assert not isinstance(s.pen, s.m.Draws)
