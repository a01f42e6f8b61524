from hub import Kind, on, route


@on('a')
@route('/a')
def a():
    return 1


@on('b')
@route('/b')
def b():
    return 1


@on('c')
def c():
    return 1


@on('old')
def old_name():
    return 1


class X(Kind):
    size = 1


class Y(Kind):
    size = 1


class Tool:
    @on('m')
    def m(self):
        return 1

    @on('n')
    def n(self):
        return 1
