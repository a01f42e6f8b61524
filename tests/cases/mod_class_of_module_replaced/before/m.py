import sys
import types


class Lazy(types.ModuleType):
    @property
    def answer(self):
        return 'old', LEVEL


LEVEL = 1
sys.modules[__name__].__class__ = Lazy
