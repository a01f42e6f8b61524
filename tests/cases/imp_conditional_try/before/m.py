import sys

try:
    from fast import SPEED
except ImportError:
    SPEED = 0

if sys.version_info > (3,):
    from fast import SPEED as again
else:
    again = None


def get():
    return SPEED, again
