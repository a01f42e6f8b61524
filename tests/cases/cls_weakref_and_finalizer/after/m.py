class Res:
    def name(self):
        return 'new'

    def close(self):
        return 'closed'
