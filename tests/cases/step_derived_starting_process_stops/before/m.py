import socket
import subprocess
import sys
import threading

N = 0
STARTED = []


def process(n):
    STARTED.append(subprocess.run([sys.executable, '-c', 'pass']).returncode)
    return n


def listener(n):
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        s.listen(1)
        return 'port', n


def timer(n):
    t = threading.Timer(0.001, STARTED.append, [n])
    t.start()
    t.join()
    return [n]


P = process(N)
L = listener(N)
T = timer(N)


def n():
    return N
