WORDS = {'a', 'b', 'x', 'd'}
