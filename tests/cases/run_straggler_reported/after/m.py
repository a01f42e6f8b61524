def wait(event):
    first = 'new'
    second = first
    event.wait(20)
    return second, 'new end'
