VERSION = 1
from . import core
