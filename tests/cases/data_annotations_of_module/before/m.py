first: int = 1
second: "list[Later]" = []
if first == 1:
    taken: int = 1
else:
    not_taken: int = 1
bare: float
key: object = lambda: 1
moved_down: str = "x"


class Later:
    pass
