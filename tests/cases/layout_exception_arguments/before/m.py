class Uni(Exception):
    pass
