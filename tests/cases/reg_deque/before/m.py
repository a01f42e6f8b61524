from hub import link


@link('a')
class A:
    def run(self):
        return 'A'


@link('b')
class B:
    def run(self):
        return 'B'
