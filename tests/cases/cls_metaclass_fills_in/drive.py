from types import SimpleNamespace as S


def setup():
    import main
    import schema
    return S(main=main, schema=schema, user=main.User())


def check(s):
    assert s.schema.Schema.opts.many is False and s.main.User.opts.many is True
    assert s.schema.Schema().many is False and s.main.User().many is True
    assert s.main.User.opts.fields == ("name",)
