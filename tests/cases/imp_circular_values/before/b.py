import a

Y = a.X + 10
LIST = [Y, a.X]
