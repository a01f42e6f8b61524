async def f():
    async with a as b: import c
    async for x in y:
        await z
    else: pass
    [x async for x in y]
    return 1
@f
async def g(): pass
async \
def h(): pass
async   def i(): from j import k
class C:
    async def l(self): yield
