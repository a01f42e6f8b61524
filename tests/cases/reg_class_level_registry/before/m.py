from app import app


@app.route('/')
def index():
    return 'index'


@app.route('/about')
def about():
    return 'about'
