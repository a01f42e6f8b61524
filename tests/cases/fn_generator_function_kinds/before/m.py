def fetch():
    return 1


def items():
    yield 1
    yield 2


async def agen():
    yield 1
