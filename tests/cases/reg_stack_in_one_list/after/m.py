from hub import reads, writes


@reads
def sync():
    return 1


@reads
@writes
def load():
    return 2
