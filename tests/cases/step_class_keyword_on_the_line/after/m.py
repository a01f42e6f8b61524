class Shape:
    def __init_subclass__(cls, sides=0):
        cls.sides = sides


class Tile(Shape, sides=6):
    pass
