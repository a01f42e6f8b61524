def rate():
    return 2


def maker():
    def inner():
        return 4
    return inner
