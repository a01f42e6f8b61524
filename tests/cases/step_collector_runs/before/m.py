import hub

LIMIT = 1


@hub.on
def a():
    return 1


class P:
    x = 1

    def get(self):
        return self.x


class Q(P):
    y = 1


TABLE = {'a': a, 'p': [P]}
