LIMITS={'a':9,'b':2}
T=(LIMITS,)
def g(x=LIMITS):
    return x
K={'l':LIMITS}
class Q:
    lim=LIMITS
P=[LIMITS,LIMITS]
