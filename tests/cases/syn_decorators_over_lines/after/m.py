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
        x + 2
    ),

    # more options
    color='blue',
)
def a():
    return 'a'
