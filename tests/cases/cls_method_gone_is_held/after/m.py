class Clock:
    def __init__(self):
        self.calls = []

    def tock(self):
        return "tock"
