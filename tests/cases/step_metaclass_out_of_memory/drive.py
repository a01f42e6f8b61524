from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, shell=m.Shell(), Shell=m.Shell)


def apply(s, update):
    if update.midflight is not None:
        s.m.FULL.append(1)
        report = update.midflight.update(update.change.all)
        s.m.FULL.clear()
        assert report.outcome == 'rejected' and 'MemoryError' in str(report), str(report)
        assert s.shell.commands == ['do_quit'] and not hasattr(s.shell, 'do_help')
    update()


def check(s):
    assert s.shell.commands == ['do_quit', 'do_help'], s.shell.commands
    assert s.m.Shell is s.Shell and s.shell.do_help() == 'help'
