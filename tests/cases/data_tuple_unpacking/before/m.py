A, (B, *C) = 1, (2, 3, 4)
X = Y = 'same'
if (W := 5) > 3:
    Z = W
