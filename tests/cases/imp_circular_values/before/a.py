X = 1

from b import Y

Z = X + Y
