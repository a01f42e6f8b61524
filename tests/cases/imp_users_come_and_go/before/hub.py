from lib import rate
