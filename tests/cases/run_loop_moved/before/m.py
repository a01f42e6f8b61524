def loop(gate, out):
    turns = 0
    while out is not None:
        out.put(('old', turns))
        turns += 1
        gate.get()
