from tools import load

ROWS = load(3)
