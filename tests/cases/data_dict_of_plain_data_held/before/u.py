import m
from m import LIMITS as X
OWN={"x":X}
