# new head

def a():
    return 1


class C:
    """With a docstring."""

    def m(self):
        return 'edited'

    def n(self):
        return 'n'
