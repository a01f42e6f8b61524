def wait(event):
    x = [0]
    event.wait(20)
    return 'new', x


def other():
    return 2
