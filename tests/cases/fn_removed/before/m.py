def gone():
    return 'gone'


def stays():
    return 1
