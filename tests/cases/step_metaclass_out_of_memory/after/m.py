FULL = []


class Collect(type):
    def __new__(mcls, name, bases, ns):
        if FULL:
            raise MemoryError
        cls = super().__new__(mcls, name, bases, ns)
        cls.commands = [k for k, v in ns.items() if k.startswith('do_')]
        return cls


class Shell(metaclass=Collect):
    def do_quit(self):
        return 'quit'

    def do_help(self):
        return 'help'
