class Uni(UnicodeDecodeError):
    pass
