BASE = 2

from .first import VALUE

TOTAL = BASE + VALUE
