LIMITS={'a':9,'b':3}
T=(LIMITS,)
def g(x=LIMITS):
    return x
K={'l':LIMITS}
class Q:
    lim=LIMITS
P=[LIMITS,LIMITS]
