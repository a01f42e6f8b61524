match {'kind': 'a', 'n': 3}:
    case {'kind': 'b'}:
        picked = 'b'
    case {'kind': 'a', 'n': number}:
        picked = 'a', number


def f():
    return picked
