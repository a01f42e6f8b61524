def __getattr__(name):
    if name.startswith('_'):
        raise AttributeError(name)
    return 'old ' + name
