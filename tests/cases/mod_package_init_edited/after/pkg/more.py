from . import VERSION as V
