def tag(**kw):
    def deco(f):
        vars(f).update(kw)
        return f
    return deco


@tag(role='admin')
def page():
    """New."""
    return 1
