WORDS = {'a', 'b', 'c', 'd'}
