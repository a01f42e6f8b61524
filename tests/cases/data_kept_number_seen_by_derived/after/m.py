def limit():
    return 8


LIMIT = limit()
DOUBLE = LIMIT * 2
TEXT = "at most %d" % LIMIT
QUOTA = limit()  # midflight: keep
HALF = [QUOTA // 2]
