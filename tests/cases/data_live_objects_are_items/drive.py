from types import SimpleNamespace as S


def setup():
    import m
    m.ROOMS['hall'].guests.append('ann')
    return S(m=m, hall=m.ROOMS['hall'], rooms=m.ROOMS)


def check(s):
    assert s.m.ROOMS is s.rooms and sorted(s.rooms) == ['bar', 'hall']
    assert s.rooms['hall'] is s.hall and s.hall.guests == ['ann']
    assert type(s.rooms['bar']) is s.m.Room is type(s.hall)
