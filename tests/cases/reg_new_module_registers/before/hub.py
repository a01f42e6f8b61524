SEEN = []


def register(x):
    SEEN.append(x)
