from tools import load

ROWS = dict(load(2), extra=['new'])
