import asyncio


async def step():
    return 'new'


async def loop(gate, out):
    await gate.wait()
    out.append(await step())
