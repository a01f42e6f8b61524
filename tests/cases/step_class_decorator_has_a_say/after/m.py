MODELS = []


def model(cls):
    cls.fields = sorted(k for k in vars(cls) if not k.startswith('_') and k != 'fields')
    MODELS.append(cls)
    return cls


@model
class User:
    name = str
    age = int
