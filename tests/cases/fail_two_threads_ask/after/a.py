import time
time.sleep(0.2)


def f():
    return 'a2'
