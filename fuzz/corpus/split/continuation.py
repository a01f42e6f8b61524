x = 1 + \
    2
y = \
3; z = \
  4
if x and \
   y:
    z
x = 1 \

def f(a,
b): \
  return 1
from a \
  import b \
  as c
import \
  a . \
  b
assert x, \
"y"
z = 1 \
# comment
w = 2
