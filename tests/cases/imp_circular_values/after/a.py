X = 2

from b import Y

Z = X + Y
