class C: a = 1; b = 5
