async def worker(queue, out):
    done = 0
    while True:
        job = await queue.get()
        if job is None:
            out.append('old end')
            break
        out.append(('old', job))
        queue.task_done()
        done += 1
