CALLS = []


class Nosy:
    def __getattr__(self, name):
        CALLS.append(name)
        raise AttributeError(name)

    def __repr__(self):
        CALLS.append('repr')
        return 'nosy'

    def __len__(self):
        CALLS.append('len')
        return 0

    @property
    def size(self):
        CALLS.append('size')
        return 1

    def __eq__(self, other):
        CALLS.append('eq')
        return True

    def __hash__(self):
        CALLS.append('hash')
        return 1

    def act(self):
        return 'old'


ONE = Nosy()
MANY = [Nosy(), ONE]
LIMIT = 1
