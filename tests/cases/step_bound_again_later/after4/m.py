DEBUG=False
LEVEL='warn'
if DEBUG: LEVEL='debug'
X=2
Y=X
X=10
def f(a=1): return 'FIRST'
G=f
def f(): return 'second'
try:
    import nope as q
except ImportError:
    q=None
T=None
T=T or 'dflt'
