A=[1]
B=A
C={"a":A}
