def tag(**kw):
    def deco(f):
        vars(f).update(kw)
        return f
    return deco


@tag(role='user')
def page():
    """Old."""
    return 1
