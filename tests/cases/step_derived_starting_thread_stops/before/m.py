import threading

PERIOD = 5
RAN = []


def launch(period):
    t = threading.Thread(target=RAN.append, args=(period,))
    t.start()
    t.join()
    return period * 2


HALF = launch(PERIOD)


def period():
    return PERIOD
