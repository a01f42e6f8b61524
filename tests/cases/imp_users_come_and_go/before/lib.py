def rate():
    return 1


def maker():
    def inner():
        return 4
    return inner
