import abc
class Shape(abc.ABC): pass
class Tri: pass
@Shape.register
class Sq: pass
