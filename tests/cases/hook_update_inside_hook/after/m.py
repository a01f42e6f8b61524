SAID = []


def __after_update__(update):
    import midflight, os
    SAID.append(midflight.update([os.path.abspath('other.py')]).outcome)


def f():
    return 2
