class Circle:
    r = 1


class Square:
    a = 1
