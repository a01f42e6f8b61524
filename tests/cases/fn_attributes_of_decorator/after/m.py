from marks import exempt


def view():
    return 1


view.methods = ['GET']


class Page:
    def show(self):
        return 1
