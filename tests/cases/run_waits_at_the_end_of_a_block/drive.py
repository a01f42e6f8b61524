from types import SimpleNamespace as S

CLOSING = 'normal', 'failing', 'inner_loop', 'nested'


class Failure(Exception):
    pass


class Ctx:
    """Waits when it is left, and says how."""

    def __await__(self):
        yield 'closing'

    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, *rest):
        await self
        return kind is Failure


def setup():
    import m
    gens = {name: getattr(m, name)(Failure) for name in CLOSING}
    for name, gen in gens.items():
        assert next(gen) == 'body'
        assert (gen.throw(Failure) if name == 'failing' else next(gen)) == 'closing', name
    coros = {fails: m.left(Ctx(), Failure if fails else None) for fails in (False, True)}
    for coro in coros.values():
        assert coro.send(None) == 'closing'
    stays = m.leaves(0)
    assert [next(stays), next(stays)] == ['body', 'closing']
    return S(m=m, gens=gens, coros=coros, stays=stays)


def report(s, r):
    assert {e['name'] for e in r['stragglers']} == {'leaves'}, r['stragglers']


def end(coro):
    try:
        return coro.send(None)
    except StopIteration as e:
        return e.value


def check(s):
    assert next(s.gens['normal']) == ('new', None)
    assert next(s.gens['normal']) == 'new end'
    assert next(s.gens['inner_loop']) == ('new', None)
    assert next(s.gens['nested']) == 'new'
    assert next(s.gens['nested']) == 'new end'
    assert next(s.gens['failing']) == ('new', Failure)
    try:
        next(s.gens['failing'])
        assert not 'raised'
    except Failure:
        pass
    assert [end(s.coros[fails]) for fails in (False, True)] == ['new', 'new']
    assert list(s.stays) == ['old']
