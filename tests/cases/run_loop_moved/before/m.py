import time

OUT = []


def loop(stop):
    turns = 0
    while not stop.is_set():
        OUT.append(('old', turns))
        turns += 1
        time.sleep(0.005)
