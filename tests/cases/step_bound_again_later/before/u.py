from m import LEVEL,X,Y,f,T
