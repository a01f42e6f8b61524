from types import SimpleNamespace as S


def setup():
    import m
    gen, counter, far = m.numbers(), m.counter(), m.shifted()
    assert [next(gen), next(counter), next(far)] == [('item', 1), 1, ('item', 1)]
    return S(m=m, gen=gen, counter=counter, far=far)


def told(r):
    return {e['name'] for e in r['stragglers']}


def report(s, r):
    assert told(r) == {'numbers', 'shifted'}, r['stragglers']


def report2(s, r):
    assert told(r) == {'numbers'}, r['stragglers']          # the other one is not edited


def report3(s, r):
    assert told(r) == {'numbers', 'counter'}, r['stragglers']


def report4(s, r):
    assert told(r) == set(), r['stragglers']


def check4(s):
    assert [next(s.gen) for _ in range(2)] == [('item', 11), ('item', 21)]
    assert next(s.far) == ('item', 101)
    assert [next(s.counter) for _ in range(2)] == [3, 5]
    assert s.gen.gi_code is s.m.numbers.__code__ and s.far.gi_code is s.m.shifted.__code__
    assert s.counter.gi_code is s.m.counter.__code__


def check(s):
    assert s.gen.gi_code is not s.m.numbers.__code__


check2 = check3 = check
