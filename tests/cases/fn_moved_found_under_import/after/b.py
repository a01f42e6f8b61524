X = 1


def clean(text):
    return text.strip().lower()
