from hub import link


@link('a2')
class A:
    def run(self):
        return 'A2'


@link('b')
class B:
    def run(self):
        return 'B'
