class Game:
    instances = 0
    level = 2
    cheats = []

    def title(self):
        return 'v2'
