class Outer:
    class Inner:
        def go(self):
            return 'new'

        def extra(self):
            return 'extra'

    def make(self):
        return self.Inner()
