X = 1
import b


def get():
    return X, b.Y, b.both()
