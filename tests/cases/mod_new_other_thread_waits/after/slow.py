import gate

A = 1
gate.wait()
B = 2
