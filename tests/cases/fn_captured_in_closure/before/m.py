def fmt(x):
    return '<%s>' % x


def maker(f):
    def call(x):
        return f(x)
    return call


show = maker(fmt)
