WIDTH = 5
AREA = WIDTH * WIDTH


def width():
    return WIDTH
