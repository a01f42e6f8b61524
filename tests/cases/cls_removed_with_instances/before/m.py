class Gone:
    def f(self):
        return 'still here'


class Stays:
    x = 1
