@a
# comment

@b(
  # comment
  1,
)

   # odd comment
def f(): pass
@c
class C:

  # first

    @d

    # between
    @e
    def g(): pass

    @property
    async def h(self):
        pass
    @(x := staticmethod)
    class D: x = 1
    @\
    f
    def i(): pass
    @(
      f)
    def j(): pass
