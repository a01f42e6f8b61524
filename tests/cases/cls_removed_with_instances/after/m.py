class Stays:
    x = 2
