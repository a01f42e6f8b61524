import threading

stop = threading.Event()
beat = threading.Event()
