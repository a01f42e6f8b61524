def rate():
    return 3


def maker():
    def inner():
        return 5
    return inner
