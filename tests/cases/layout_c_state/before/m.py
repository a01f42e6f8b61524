class E(OSError):
    pass
