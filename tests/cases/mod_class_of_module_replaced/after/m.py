import sys
import types


class Lazy(types.ModuleType):
    @property
    def answer(self):
        return 'new', LEVEL


LEVEL = 2
sys.modules[__name__].__class__ = Lazy
