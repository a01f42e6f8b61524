import inspect

import hub


def f(a: int) -> str:
    """Doc."""


def g():
    return 2


hub.SEEN.append(f)
f.__doc__ = "Set."
X = f in hub.SEEN, str(inspect.signature(f)), f.__doc__, f(1) is None
g.limit = 4
Y = {f: 1, g: g()}
