class Tool:
    def make(self):
        return 'method'

    @staticmethod
    def plain():
        return 'static'
