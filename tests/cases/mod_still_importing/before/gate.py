import threading

INSIDE = threading.Event()
GO = threading.Event()
