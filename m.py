
def impl(self=None): return 'impl'
def other(): return impl()
class C:
    x = 1
    def run(self): return 'own'
def deco(f): return impl
def named(): return 'named'
