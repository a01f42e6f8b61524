def main(tick):
    out = []
    running = True
    while running:
        running = tick()
        out.append('old')
    out.append('old end')
    return out
