type X = int
type Y[T: (int, str), *Ts] = list[T]
def f[T: int](x: T) -> T: return x
class C[T: "int" = int, *Ts, **P](list[T]): x = 1
class D[
    T
]:
    type = 1
    type Z = int
    def g[T](self): pass
