class Quiet:
    def say(self):
        return 'quiet'


class Loud:
    def say(self):
        return 'LOUD'


class Dog(Quiet):
    def __init__(self):
        self.name = 'rex'
