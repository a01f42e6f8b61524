CALLS = []


class Pool:
    size = 2

    @classmethod
    def __before_update__(cls, update):
        CALLS.append(('before', cls.size))

    @classmethod
    def __after_update__(cls, update):
        CALLS.append(('after', cls.size))
