count = 0


class A:
    global tag
    tag = 'new'
    own = tag + '!'


def bump():
    global count
    count += 10
    return count
