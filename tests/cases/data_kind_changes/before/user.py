from m import A, B, C


def get():
    return A, B, C
