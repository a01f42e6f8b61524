from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from c import Context

DEPTH = 2


def current() -> 'Context | None':
    return None
