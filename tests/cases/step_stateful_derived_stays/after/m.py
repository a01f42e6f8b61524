import probe


class App:
    def __init__(self):
        self.routes = []
        self.name = 'app'


def create_app():
    probe.tick('create')
    app = App()
    app.routes.append('/')
    app.routes.append('/health')
    return app


app = create_app()


def version():
    return 2
