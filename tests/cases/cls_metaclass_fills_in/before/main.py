from schema import Schema


class User(Schema):
    class Meta:
        fields = ("name",)
        many = True
