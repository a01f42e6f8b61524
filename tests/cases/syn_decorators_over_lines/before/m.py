TABLE = {}


def deco(name, key=None,
         **options):
    def wrap(f):
        TABLE[name] = (f, key, options)
        return f
    return wrap


@deco(
    'a',  # the name
    key=lambda x: (
        x + 1
    ),

    # options
    color='red',
)
def a():
    return 'a'
