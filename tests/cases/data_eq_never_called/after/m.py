class Odd:
    def __eq__(self, other):
        raise RuntimeError('compared')

    def __hash__(self):
        return 7

    def __bool__(self):
        raise RuntimeError('tested')


ODD = Odd()
TABLE = {'a': ODD, 'n': 2}
LIST = [ODD, 2]
LIMIT = 2
