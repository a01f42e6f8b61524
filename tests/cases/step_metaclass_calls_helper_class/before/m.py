from model import Field, Model, Nested


class User(Model):
    name = Field()


class Post(Model):
    user = Nested(User)
    title = Field()


class Draft(Post):
    class Meta:
        many = True

    editor = Nested(User)
