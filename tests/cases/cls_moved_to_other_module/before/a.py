class Unit:
    def go(self):
        return 'a'
