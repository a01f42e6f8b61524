class Quiet:
    def say(self):
        return 'quiet'


class Loud:
    def say(self):
        return 'LOUD'


class Dog(Loud):
    def __init__(self):
        self.name = 'rex'
