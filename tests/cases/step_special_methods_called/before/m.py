class Tag:
    def __init__(self, x):
        self.x = x

    def __str__(self):
        return f"<{self.x}>"

    def __add__(self, other):
        return self.x + other

    def __getitem__(self, key):
        return key * 2

    def __len__(self):
        return 3

    def name(self):
        return "old"


TAG = Tag("t")
NUMBER = Tag(5)
TEXT = f"{TAG}!"
STR = str(TAG)
TOTAL = SUM = NUMBER + 1
ITEM = TAG[4]
LEN = len(TAG)
NAME = TAG.name()
PERCENT = "%s" % TAG
JOINED = ",".join(map(str, [TAG, TAG]))
MADE = []
MADE.append(repr(TAG)[0])
OTHER = [TAG, 1]
