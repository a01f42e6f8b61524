def wait(event):
    before = 'old'
    event.wait(20)
    return before, 'old end'
