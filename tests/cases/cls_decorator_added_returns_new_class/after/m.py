def sealed(cls):
    class Sealed(cls):
        sealed = True
    Sealed.__name__ = Sealed.__qualname__ = cls.__name__
    return Sealed


@sealed
class Doc:
    sealed = False

    def text(self):
        return 'text'
