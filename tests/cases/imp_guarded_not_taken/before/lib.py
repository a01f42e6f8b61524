LIMIT = 1


class Thing:
    size = 1
