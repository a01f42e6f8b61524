from dataclasses import dataclass
from typing import NamedTuple

from conf import TIMEOUT


class Wait(NamedTuple):
    seconds: int = TIMEOUT


@dataclass(slots=True)
class Call:
    name: str
    seconds: int = TIMEOUT
