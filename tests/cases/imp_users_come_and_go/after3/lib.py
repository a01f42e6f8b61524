def rate():
    return 3


def maker():
    def inner():
        return 4
    return inner
