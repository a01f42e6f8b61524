class Node:
    def __add__(self, other):
        return 'sum'

    def name(self):
        return 'node'
