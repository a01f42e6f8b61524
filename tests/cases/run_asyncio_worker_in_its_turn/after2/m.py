async def worker(queue, out):
    while True:
        job = await queue.get()
        if job is None:
            out.append('stopped')
            break
        done = list(map(lambda x: x(), [job]))
        out.append(('new', done))
        queue.task_done()


def other():
    return 2
