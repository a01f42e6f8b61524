def make(prefix):
    def show(x):
        return prefix + x
    return show


show = make('>')
