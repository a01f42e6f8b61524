def tick(update):
    update()
    return 'old end'


def other():
    return 'old'
