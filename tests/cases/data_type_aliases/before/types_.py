Id = int
Row = tuple[int, str]
