from errors import Busy


def work():
    raise Busy('x')


def safe(f):
    try:
        f()
    except Busy as e:
        return e.code
