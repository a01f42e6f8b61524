class C:
    from lib import V as v, f
    import lib as L
    f = staticmethod(f)
def go():
    from lib import V, f
    import lib
    return V, f(), lib.V
def outer():
    from lib import f as inner
    def use(): return inner()
    return use
U = outer()
