from hub import task


@task
def one():
    return 1


@task
def two():
    return 2
