Y = 1


class Unit:
    def go(self):
        return 'b'
