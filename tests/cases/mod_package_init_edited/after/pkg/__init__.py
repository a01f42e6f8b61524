VERSION = 2
from . import core
from . import more
