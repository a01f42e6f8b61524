import lib


def ask():
    return lib.answer()
