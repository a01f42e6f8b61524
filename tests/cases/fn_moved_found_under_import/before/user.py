from a import clean

TABLE = [clean]
