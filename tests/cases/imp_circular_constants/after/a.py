X = 10
import b


def get():
    return X, b.Y, b.both()
