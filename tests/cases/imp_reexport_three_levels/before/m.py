from pkg import number, Klass


def get():
    return number, Klass().v()
