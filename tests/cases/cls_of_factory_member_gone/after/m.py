def factory(tag):
    class Inner:
        def hi(self):
            return 'hello ' + tag
    return Inner


A = factory('a')


class B(factory('b')):
    pass
