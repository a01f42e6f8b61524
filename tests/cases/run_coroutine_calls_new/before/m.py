import asyncio


async def step():
    return 'old'


async def loop(gate, out):
    await gate.wait()
    out.append(await step())
