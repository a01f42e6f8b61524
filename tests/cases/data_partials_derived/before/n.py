from m import P

R = P(1)
