from lib import f, LIMIT


def call():
    return f(), LIMIT
