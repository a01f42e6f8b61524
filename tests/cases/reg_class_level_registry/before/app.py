class App:
    def __init__(self):
        self.rules = []
        self.views = {}

    def route(self, rule, **options):
        def deco(f):
            self.rules.append((rule, f.__name__, options))
            self.views[f.__name__] = f
            return f
        return deco


app = App()
