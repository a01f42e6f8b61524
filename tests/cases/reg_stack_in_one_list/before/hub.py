READS, WRITES = [], []


def reads(f):
    READS.append(f)
    return f


def writes(f):
    WRITES.append(f)
    return f
