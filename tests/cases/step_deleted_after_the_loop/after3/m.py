TOTAL=0
for i in range(5):
    TOTAL+=i
del i
NAMES=[]
NAMES+=['z']
NAMES.append('b')
X,*Y=9,8,7,6
with open(__file__) as fh: HEAD=fh.readline().strip()
