from hub import route


@route('/a')
def a(x=2):
    return 'a2'


@route('/b')
def b():
    return undefined_name


b.limit = undefined_name
