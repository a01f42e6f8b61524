from m import K
Q=K.quad
