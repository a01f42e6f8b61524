import gc
import hub


LIMIT = 3


@hub.on
def a(x=3):
    return x


gc.collect(); gc.freeze()


class P:
    x = 2

    def get(self, more=2):
        return self.x + more


class Q(P):
    y = 3

    class In:
        z = 2


gc.collect(0)
gc.freeze()
TABLE = {'a': a, 'p': [P, Q]}
