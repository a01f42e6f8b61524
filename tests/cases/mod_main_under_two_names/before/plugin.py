import app


def call():
    return app.work()
