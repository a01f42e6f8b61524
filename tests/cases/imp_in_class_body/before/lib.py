LIMIT = 1


def helper(self):
    return 'old'
