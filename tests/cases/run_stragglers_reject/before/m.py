def wait(event):
    event.wait(20)
    return 'old'


def other():
    return 1
