import threading
import extra

OUT = []


def work():
    import extra
    from extra import V
    OUT.append((extra.V, V))


thread = threading.Thread(target=work)
thread.start()
thread.join()
X = extra.V
