from urls import HOME

LINKS = (HOME + 'a', HOME + 'b')


def link():
    return LINKS[1]
