from lib import maker, rate

ONCE = rate()
MADE = maker()
