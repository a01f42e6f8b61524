from hub import route


@route('/a')
def a(x=2):
    return 'a2'


@route('/b')
def b():
    return 'b2'
