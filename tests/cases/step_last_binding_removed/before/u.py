from m import X,Y,f
