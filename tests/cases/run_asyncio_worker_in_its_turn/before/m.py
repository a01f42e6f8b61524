async def worker(queue, out):
    while True:
        job = await queue.get()
        if job is None:
            out.append('old end')
            break
        done = list(map(lambda x: x(), [job]))
        out.append(('old', done))
        queue.task_done()


def other():
    return 1
