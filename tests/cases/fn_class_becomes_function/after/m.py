def Point(x):
    return {'x': x}
