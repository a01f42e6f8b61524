import contextlib
import probe

try:
    VALUE = int('x')
except ValueError as e:
    VALUE = 'new'
    probe.tick('except')
else:
    VALUE = None
finally:
    probe.tick('finally')

with contextlib.suppress(KeyError) as nothing:
    probe.tick('with')
    {}['missing']

n = 3
while n:
    n -= 1
else:
    probe.tick('else')
