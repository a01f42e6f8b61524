import gc
import hub

LIMIT = 2


@hub.on
def a(x=2):
    return x


gc.collect()


class P:
    x = 2

    def get(self, more=1):
        return self.x + more


class Q(P):
    y = 2

    class In:
        z = 1


gc.collect(0)
TABLE = {'a': a, 'p': [P, Q]}
