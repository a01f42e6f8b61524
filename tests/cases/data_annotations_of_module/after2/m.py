first: int = 1
if first == 1:
    taken: str = "1"
else:
    not_taken: int = 1
key: object = lambda: 3
moved_down: str = "x"


class Later:
    pass
