import slow

X = slow.B
1 / 0
