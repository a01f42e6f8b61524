A=[1,2]
B=list(A)
C={"a":A}
