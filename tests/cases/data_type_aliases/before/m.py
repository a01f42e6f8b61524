from types_ import Id, Row
from typing import Optional, Union
MaybeId = Optional[Id]
Rows = list[Row]
E = Union[Row, None]
def f(a: Id, r: Rows) -> MaybeId: return a
class K:
    x: Row
