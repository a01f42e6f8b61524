import slow

X = slow.B
