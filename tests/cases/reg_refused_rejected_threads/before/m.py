from hub import on, route


@on('a')
@route('/a')
def a():
    return 1


@on('b')
@route('/b')
def b():
    return 1


@on('gone')
def gone():
    return 1


@on('z')
def z():
    return 1
