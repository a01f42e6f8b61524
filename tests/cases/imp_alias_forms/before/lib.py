RATE = 1
MODE = 'a'


class Tool:
    pass


def run():
    return 1
