from hub import route


@route('/old')
def page():
    return 'page'


@route('/other')
def other():
    return 'other'
