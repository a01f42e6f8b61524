class Singleton(type):
    _inst = {}
    def __call__(cls, *a, **k):
        if cls not in cls._inst: cls._inst[cls] = super().__call__(*a, **k)
        return cls._inst[cls]
class DB(metaclass=Singleton):
    def __init__(self): self.n = 0
    def q(self): return 'q1'
