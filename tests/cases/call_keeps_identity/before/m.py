import inspect

import hub


def f(a: int) -> str:
    """Doc."""


def g():
    return 1


hub.SEEN.append(f)
f.__doc__ = "Set."
X = 0
