class Mark:
    def __init__(self, *args):
        self.args = args

    def __call__(self, f):
        f.marks = [*getattr(f, 'marks', []), self]
        return f
