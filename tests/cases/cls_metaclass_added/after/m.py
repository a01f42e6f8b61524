class Meta(type):
    def __len__(cls):
        return 5


class Team(metaclass=Meta):
    def who(self):
        return 'team'
