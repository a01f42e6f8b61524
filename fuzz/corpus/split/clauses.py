if x: y
elif z:
    w
# comment
  # odd
else: v
try:
    import a
except (A,
        B) as e: import b
except C:
    pass

else:
    pass
finally: import c
for x in y: pass
else: pass
while x:
    break
else:
    def f(): import d
with a as b, \
     c as d: pass
with (
    a as b,
    c as d,
): pass
try: pass
finally: pass
if x: pass; import e; y = lambda: 1
try:
    pass
except* E: pass
class C:
    if x:
        def f(self): pass
    elif y: from . import z
    else:
        class D: pass
    while x: pass
    else: pass
