def total(items):
    result = 0
    for item in items:
        result += item
    return result


def run(items):
    return total(items) + 1000
