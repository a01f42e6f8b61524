from m import D

KEYS = sorted(D)
