import queue
import threading

SIZE = 3


class Pool:
    def __init__(self, size):
        self.size = size

    def tell(self):
        return 'old'


LOCK = threading.BoundedSemaphore(SIZE)
QUEUE = queue.Queue(SIZE)
POOL = Pool(SIZE)
