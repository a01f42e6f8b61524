class Clock:
    def __init__(self):
        self.calls = []

    def tick(self):
        return "tick"

    def tock(self):
        return "tock"


def gone():
    return "gone"
