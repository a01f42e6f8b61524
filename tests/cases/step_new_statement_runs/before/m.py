import threading

DONE = threading.Event()


def work():
    DONE.set()
