from hub import on, route


@on('a')
@route('/a')
def a(x=2):
    return x


@on('b')
@route('/b')
def b(x=2):
    return x


@on('z')
def z():
    return 1


1 / 0
