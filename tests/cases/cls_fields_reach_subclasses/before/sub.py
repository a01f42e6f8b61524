import base
from dataclasses import dataclass
SEEN=[]
def noted(cls): SEEN.append(cls.__name__); return cls
@dataclass
class Sub(base.Base):
    level: int = 1
@dataclass
class Leaf(Sub):
    leaf: bool = True
class Plain(base.Base):
    pass
@noted
class Listed:
    pass
