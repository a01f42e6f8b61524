import m

NAMES = {'a': m.a}
