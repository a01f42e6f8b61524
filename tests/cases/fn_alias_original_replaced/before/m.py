def fast():
    return 'fast'


def slow():
    return 'slow'


current = fast
