SIZE = 2
SEEN = []
