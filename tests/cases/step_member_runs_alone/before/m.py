import probe


class Settings:
    first = probe.tick('first', object())
    size = 10
    last = probe.tick('last', object())

    def area(self):
        return self.size ** 2
