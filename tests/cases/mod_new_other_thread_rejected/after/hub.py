SIZE = 3
SEEN = []
