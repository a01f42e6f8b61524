PLUGINS = []


def register(obj, *flags):
    PLUGINS.append((obj, flags))
