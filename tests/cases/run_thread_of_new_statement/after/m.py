import threading

stop = threading.Event()
beat = threading.Event()


def tick():
    beat.set()


def work():
    while not stop.wait(0.001):
        tick()


worker = threading.Thread(target=work, daemon=True)
worker.start()
