import threading

DONE = threading.Event()
THREAD = threading.Thread(target=DONE.wait, args=(20,), daemon=True)
THREAD.start()
raise RuntimeError('after the start')
