first: int = 1
added: bytes = b""
second: dict = {}
if first == 1:
    taken: int = 1
else:
    not_taken: int = 1
bare: complex
key: object = lambda: 2
moved_down: str = "x"


class Later:
    pass
