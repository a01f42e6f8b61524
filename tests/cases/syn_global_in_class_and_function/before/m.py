count = 0


class A:
    global tag
    tag = 'old'
    own = tag + '!'


def bump():
    global count
    count += 1
    return count
