from hub import route


@route('/new')
def page():
    return 'page'


@route('/other')
def other():
    return 'other'
