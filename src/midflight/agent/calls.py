"""What a call to the agent may carry, and how it is refused.

Owns: the check of parameters, the codes of errors. In: what came over the socket. Out: values of the right kinds.
"""

PARAMETERS = -32602      # JSON-RPC's own
LATE, BUSY, REFUSED = -32001, -32002, -32003


class Refused(Exception):
    """An error of a call: a code of JSON-RPC, one of ours (MF68x), words."""

    def __init__(self, text, code=REFUSED, ours="MF680"):
        super().__init__(text)
        self.code, self.ours = code, ours


def take(params, **kinds):
    """The parameters by name, each of its kind or None; any other is a wrong call."""
    for name in params:
        if name not in kinds:
            raise Refused(f"no parameter {name[:100]!r}; there are: {', '.join(kinds) or 'none'}", PARAMETERS)
    for name, kind in kinds.items():
        value = params.get(name)
        if value is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
            raise Refused(f"{name} is of the type {kind.__name__}", PARAMETERS)
    return [params.get(name) for name in kinds]
