LEVEL = 1


def work():
    return 'old', LEVEL


if __name__ == '__main__':
    import plugin
