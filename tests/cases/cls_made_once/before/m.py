from orm import Meta


class User(metaclass=Meta):
    size = 30

    def title(self):
        return 'Mr'
