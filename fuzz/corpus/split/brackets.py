x = [1,
2,
  # comment
"]",
(3, {4: 5,
6: 7})]; y = 1
def f(a, b=(1,
2), *, c={
}):
    return [
a]
class C(A,
B
):
  x = (
1)
@d(
e)
def g(
): pass
if (x
and y): z
else: w
