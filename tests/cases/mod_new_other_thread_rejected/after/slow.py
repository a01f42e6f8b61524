import gate
import hub

A = 1
gate.wait()
B = hub.SIZE
hub.SEEN.append(__name__)


def size():
    return hub.SIZE
