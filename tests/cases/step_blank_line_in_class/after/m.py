import probe


class Cart:
    probe.tick('body')



    def add(self):
        return 'add'


    def pay(self):

        return 1 / 0
