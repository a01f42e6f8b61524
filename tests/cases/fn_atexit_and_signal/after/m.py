import atexit
import signal

OUT = []


@atexit.register
def bye():
    OUT.append('new bye')


def on_signal(number, frame):
    OUT.append('new signal')


signal.signal(signal.SIGUSR1, on_signal)
