def make(prefix):
    suffix = prefix[::-1] + '!'

    def show(x):
        return prefix + x + suffix
    return show


show = make('>')
