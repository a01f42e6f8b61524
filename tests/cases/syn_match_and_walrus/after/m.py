match {'kind': 'a', 'n': 4}:
    case {'kind': 'b'}:
        picked = 'b'
    case {'kind': 'a', 'n': number}:
        picked = 'A', number


def f():
    return picked
