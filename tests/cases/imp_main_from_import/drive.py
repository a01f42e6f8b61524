from types import SimpleNamespace as S


def setup(run):
    app = run.main('app.py')
    return S(app=app, report=app.report, invoice=app.Invoice())


def check(s):
    assert s.app.TAX == 2 and s.report() == '{"first": 300} new', (s.app.TAX, s.report())
    assert s.app.LABEL == 'tax 2' and s.invoice.rate == 2


def check2(s):
    assert s.app.TAX == 3 and s.report() == '{"first": 400} last' and s.app.LABEL == 'tax 3'
    assert s.invoice.rate == 3 and s.app.rates.TAX == 3
