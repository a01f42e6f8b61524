NAMES = ['b', 'c', 'd']
TABLE = {'x': 2, 'y': 3}
SET = {2, 3}


class Holder:
    def __init__(self):
        self.names, self.table, self.set = NAMES, TABLE, SET
