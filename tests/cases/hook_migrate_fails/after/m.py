class User:
    def __init__(self, name):
        self.name = name
        self.first = ''

    def __migrate__(self, update):
        self.first = update.old.name.split()[1]
