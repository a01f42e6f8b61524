from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, shell=m.Shell(), Shell=m.Shell)


def check(s):
    assert s.shell.commands == ['do_quit', 'do_help'], s.shell.commands
    assert s.m.Shell is s.Shell and s.shell.do_help() == 'help'
