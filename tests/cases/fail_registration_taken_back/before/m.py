from hub import route


@route('/a')
def a():
    return 'a1'
