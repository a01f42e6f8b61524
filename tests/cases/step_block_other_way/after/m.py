DATA = [y for x in range(3) if (y := x * 2) > 2]
def f(items): return [z for i in items if (z := i + 2) > 2]
if (n := len(DATA)) > 2:
    BIG = True
else:
    SMALL = True
