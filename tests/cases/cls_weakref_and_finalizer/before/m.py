class Res:
    def name(self):
        return 'old'
