V = 2
boom
