import __hello__ as frozen
import _symtable as built_in


def names():
    return built_in.symtable.__name__, frozen.__name__
