import names


class Thing:
    def go(self):
        return 'new'


class Round(Thing):
    def go(self):
        return names.ROUND + super().go()
