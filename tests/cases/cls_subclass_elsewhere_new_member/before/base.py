class Actor:
    speed = 1
