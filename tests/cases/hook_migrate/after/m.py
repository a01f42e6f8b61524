from dataclasses import dataclass

CALLS = []


@dataclass
class User:
    name: str
    first: str = ''
    last: str = ''

    def __migrate__(self, update):
        CALLS.append((type(self) is User, self.last, update.old.name))
        self.first, self.last = update.old.name.split()
