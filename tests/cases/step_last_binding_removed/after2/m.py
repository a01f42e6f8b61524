X=1
L=[1]
def f(): return 1
def f(): return 2
for i in (1,): Y=i
Y=7
