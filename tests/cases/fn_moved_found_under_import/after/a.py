from b import clean


def use(text):
    return clean(text)
