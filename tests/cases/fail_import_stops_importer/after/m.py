import os


def load():
    import part
    return part.V


X = load(), open(os.path.join(os.path.dirname(__file__), 'leak'), 'w').close()
