def numbers(note):
    n = 0
    while True:
        n += 1
        note(n)
        yield 0 + n
