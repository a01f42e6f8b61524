import probe

LIMIT = probe.tick(
    'limit',
    3,
)


def share(total, people):
    return total / people
