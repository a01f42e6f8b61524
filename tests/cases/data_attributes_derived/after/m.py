LABEL = 'b'
def view(): return 1
view.label = LABEL
view.tags = ['x', LABEL]
class K:
    pass
K.label = LABEL
K.meta = {'l': LABEL}
