BASE = 1

from .first import VALUE

TOTAL = BASE + VALUE
