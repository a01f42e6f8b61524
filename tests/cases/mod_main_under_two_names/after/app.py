LEVEL = 2


def work():
    return 'new', LEVEL


if __name__ == '__main__':
    import plugin
