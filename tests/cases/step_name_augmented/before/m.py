n = 1
n += 1
AT_TWO = n * 10
n += 1
AT_THREE = n * 10
