import probe

A = probe.tick('a', object())
LIMIT = 2
B = probe.tick('b', [])
for _i in range(3):
    probe.tick('loop')
try:
    C = probe.tick('c', {})
finally:
    probe.tick('finally')
with __import__('contextlib').nullcontext():
    probe.tick('with')


def use():
    return LIMIT
