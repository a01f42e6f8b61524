from tools import upper

WORDS = upper(['a', 'b'])
PLAIN = 'p'
