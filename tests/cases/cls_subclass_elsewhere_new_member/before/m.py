from base import Actor


class Player(Actor):
    def go(self):
        return self.speed
