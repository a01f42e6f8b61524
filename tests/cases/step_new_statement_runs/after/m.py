import threading

DONE = threading.Event()


def work():
    DONE.set()


THREAD = threading.Thread(target=work, daemon=True)
THREAD.start()
