TOP = 2
