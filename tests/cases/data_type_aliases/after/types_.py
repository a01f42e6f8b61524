Id = str
Row = tuple[str, str]
