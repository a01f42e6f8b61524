import atexit
import signal

OUT = []


@atexit.register
def bye():
    OUT.append('old bye')


def on_signal(number, frame):
    OUT.append('old signal')


signal.signal(signal.SIGUSR1, on_signal)
