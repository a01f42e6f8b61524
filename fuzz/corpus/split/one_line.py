class A: pass
class B(A): x = 1; y = 2
class C(metaclass=lambda *a, **k: None, x={1: 2}): import a
def f(x: int = {1: 2}[1], y="):") -> lambda: x: return 1
def g() -> "x:y": pass
def h(): pass; pass
if x: y = 1; import z
for a in b: c
while a: from b import c
with a: b
class D: "doc"
class E: """doc
    more"""
class F: \
    x = 1
class G(): x = [
    1,
]
def i(): return {
  'a': 1}
