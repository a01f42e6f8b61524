from deco import loud


@loud
def one():
    return 'one'


@loud
def two():
    return 'two'
