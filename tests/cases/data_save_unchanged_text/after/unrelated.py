X = 2
raise RuntimeError('nobody imports this')
