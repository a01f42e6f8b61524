x = 1if 2else 3
y = [0x1for x in (1,)]
z = 1_000if x else"a"
a = 0 or"b"; c = 0x1or"b"
b = 1.if x else.5
c = 1jif x else 1e5or'c'
def f(x=1):return 1if x else(2)
