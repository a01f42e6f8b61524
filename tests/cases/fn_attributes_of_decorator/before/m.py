from marks import exempt


@exempt(level=3)
def view():
    return 1


view.methods = ['GET']


class Page:
    @exempt(level=1)
    def show(self):
        return 1
