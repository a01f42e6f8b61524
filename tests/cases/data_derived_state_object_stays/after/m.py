import queue
import threading

SIZE = 4


class Pool:
    def __init__(self, size):
        self.size = size

    def tell(self):
        return 'new'


LOCK = threading.BoundedSemaphore(SIZE)
QUEUE = queue.Queue(SIZE)
POOL = Pool(SIZE)
