from things import Round, Thing


def make():
    return Round()
