def clean(text):
    return text.strip()


def use(text):
    return clean(text)
