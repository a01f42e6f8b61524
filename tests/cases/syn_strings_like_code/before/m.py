import probe

DOC = probe.tick('doc', """
def not_a_function():
    return 'text'

class NotAClass:
    pass
""")
OTHER = probe.tick('other', 'x\
def y(): pass')


def f():
    return """
def inside():
    'text'
"""
