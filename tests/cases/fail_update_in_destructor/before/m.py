import drive

VALUE = drive.Tied('old')


def f():
    return 1
