from base import Plugin


class Csv(Plugin):
    def write(self):
        return 'a;b'
