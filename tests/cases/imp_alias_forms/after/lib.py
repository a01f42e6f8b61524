RATE = 2
MODE = 'b'


class Tool:
    pass


def run():
    return 2
