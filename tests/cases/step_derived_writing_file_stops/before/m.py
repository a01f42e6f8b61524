NAME = 'a'


def save(name):
    with open(name + '.out', 'w') as f:
        f.write(name)
    return len(name)


SIZE = save(NAME)


def name():
    return NAME
