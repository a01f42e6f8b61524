class Outer:
    class Inner:
        def go(self):
            return 'old'

    def make(self):
        return self.Inner()
