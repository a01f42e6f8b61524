def helper(out):
    out.append('new')


def main(tick):
    out = []
    running = True
    while running:
        running = tick()
        helper(out)
    out.append('new end')
    return out
