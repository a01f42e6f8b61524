def tick(update):
    before = 1
    update()
    return 'new end', before


def other():
    return 'new'
