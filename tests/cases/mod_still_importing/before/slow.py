import gate

gate.INSIDE.set()
gate.GO.wait(20)


def f():
    return 'old'
