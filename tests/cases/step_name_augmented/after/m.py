n = 1
n += 1
AT_TWO = n * 100
n += 1
AT_THREE = n * 100
