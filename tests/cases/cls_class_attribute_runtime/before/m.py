class Game:
    instances = 0
    level = 1
    cheats = []

    def title(self):
        return 'v1'
