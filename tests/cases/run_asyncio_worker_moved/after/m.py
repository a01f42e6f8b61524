async def worker(queue, out):
    """It counts."""
    done = 0
    while True:
        job = await queue.get()
        if job is None:
            out.append('stopped')
            break
        # new in this version
        out.append(('new', job, done))
        queue.task_done()
        done += 1
