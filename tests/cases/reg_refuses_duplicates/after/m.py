from hub import Kind, on, route


@on('a')
@route('/a')
def a(x=2):
    return x


@on('b')
@route('/b')
def b():
    return 1


def c():
    return 2


@on('old')
def new_name(x=3):
    return x


class X(Kind):
    size = 2


class Y(Kind):
    size = 1


class Tool:
    @on('m')
    def m(self, x=5):
        return x
