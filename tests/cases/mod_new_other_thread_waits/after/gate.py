import sys
import threading

got = []
loading = threading.Event()


def other():
    loading.wait()
    try:
        import slow
        got.append((slow, slow.B))
    except Exception as error:
        got.append(error)


thread = threading.Thread(target=other)


def inside_import():
    frame = sys._current_frames().get(thread.ident)
    while frame is not None and 'importlib' not in frame.f_code.co_filename:
        frame = frame.f_back
    return frame is not None


def wait():
    """Until the other thread is inside its import, or has ended."""
    loading.set()
    while thread.is_alive() and not inside_import():
        pass
