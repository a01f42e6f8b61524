"""`midflight retire TARGET ID`: see confirm.py, which does it."""

from .confirm import confirm as retire

__all__ = ["retire"]
