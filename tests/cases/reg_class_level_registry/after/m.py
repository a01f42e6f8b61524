from app import app


@app.route('/', methods='GET')
def index():
    return 'index'


@app.route('/contact')
def contact():
    return 'contact'
