TOTAL=0
for i in range(3):
    TOTAL+=i
del i
NAMES=[]
NAMES+=['a']
NAMES.append('b')
X,*Y=1,2,3
with open(__file__) as fh: HEAD=fh.readline().strip()
