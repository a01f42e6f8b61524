LIMIT = 2


def helper(self):
    return 'new'
