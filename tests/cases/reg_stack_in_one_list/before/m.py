from hub import reads, writes


@reads
@writes
def sync():
    return 1


@reads
def load():
    return 2
