"""Two lines

more."""


class Big:
    @property
    def p(self):
        return 1

    @staticmethod
    def s():
        return 2

    @classmethod
    def c(cls):
        return 3

    f = lambda self: 4

    class In:
        def deep(self):
            def deeper():
                return (x for x in (1, 2))
            return deeper
