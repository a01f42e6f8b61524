A, (B, *C) = 1, (20, 30)
X = Y = 'other'
if (W := 6) > 3:
    Z = W * 2
