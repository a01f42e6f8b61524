TASKS = []


def task(f):
    TASKS.append(f)
    return f
