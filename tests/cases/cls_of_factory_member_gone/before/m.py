def factory(tag):
    class Inner:
        def hi(self):
            return 'hi ' + tag

        def bye(self):
            return 'bye ' + tag
    return Inner


A = factory('a')


class B(factory('b')):
    pass
