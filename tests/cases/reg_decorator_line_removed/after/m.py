from hub import task


def one():
    return 1


@task
def two():
    return 2
