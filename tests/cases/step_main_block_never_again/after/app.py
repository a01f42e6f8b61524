import probe


def work():
    return 'new'


if __name__ == "__main__":
    probe.tick('main')
    STARTED = True
