import probe


def work():
    return 'old'


if __name__ == "__main__":
    probe.tick('main')
