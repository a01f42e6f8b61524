class A:
    class B:
        class C:
            x = 1
            def f(self): pass
        # comment
        y = 2
    z = 3

    class D(B): pass

    class E:
        "doc"
    def g(self):
        class F:
            def h(self): pass
    if x:
        class G:
            y = 1
class H(A):
  class I:
   class J:
    class K: pass
x = 1
class L:

    """doc"""

    class M: "doc"
    pass
class N:
    def f(self): lambda: 1
class O:
    x: int
    y: "str" = 1; z = 2
    del z
    class P:
        import a
