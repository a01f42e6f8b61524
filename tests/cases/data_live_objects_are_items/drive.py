from types import SimpleNamespace as S


def setup():
    import m
    m.ROOMS['hall'].guests.append('ann')
    live = m.ROOMS['live'] = m.Room()
    live.guests.append('bo')
    return S(m=m, hall=m.ROOMS['hall'], live=live, rooms=m.ROOMS)


def check(s):
    assert s.m.ROOMS is s.rooms and sorted(s.rooms) == ['bar', 'hall', 'live']
    assert type(s.rooms['bar']) is s.m.Room is type(s.rooms['hall'])
    assert s.rooms['live'] is s.live and s.live.guests == ['bo'] and s.hall.guests == ['ann'], 'an instance is never merged further'


def report(s, r):
    said = any(e['name'] == 'ROOMS' and 'base unknown' in e['text'] for e in r['notes'] + r['kept'] + r['changed'])
    assert s.rooms['hall'] is s.hall or said, 'a live instance was replaced and nobody says that its base is unknown'
