from a import *

B = 1
