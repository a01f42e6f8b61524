WIDTH = 4
AREA = WIDTH * WIDTH


def width():
    return WIDTH
