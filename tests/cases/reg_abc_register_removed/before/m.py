import abc
class Shape(abc.ABC): pass
@Shape.register
class Tri: pass
@Shape.register
class Sq: pass
