from lazy import thing


def get():
    return thing
