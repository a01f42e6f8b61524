NAMES = ['a', 'b']
TABLE = {'x': 1}
SET = {1, 2}


class Holder:
    def __init__(self):
        self.names, self.table, self.set = NAMES, TABLE, SET
