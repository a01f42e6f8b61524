class Meta(type):
    def __len__(cls):
        return 5


class Team:
    def who(self):
        return 'team'
