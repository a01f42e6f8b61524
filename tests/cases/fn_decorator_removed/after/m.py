def shout(f):
    def wrapper(*a):
        return f(*a).upper()
    return wrapper


def hello(name):
    return 'hello ' + name
