class Busy(Exception):
    code = 1
