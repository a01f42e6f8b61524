async def fetch():
    return 1


def items():
    return [1, 2, 3]


def agen():
    return 'plain'
