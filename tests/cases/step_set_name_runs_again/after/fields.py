SEEN = []


class Field:
    def __init__(self, size=1):
        self.size = size

    def __set_name__(self, owner, name):
        owner._fields.append(name)
        owner.last = name
        SEEN.append((owner, name))
