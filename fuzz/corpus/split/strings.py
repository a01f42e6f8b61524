a = 'it\'s' + "say \"hi\"" + '#' + "\\"
b = '''one
'two' ''three \''' four
'''; c = 5
d = r'\\'; e = rb"\\"; f = Rb'\'' + bR"\\\""
g = """a\
\\\""" "" ""b\\"""
h = "continued \
def no(): pass"
i = """
class NotAClass:
    def f(self):
        import nothing
"""
j = ''; k = ""; l = ''''''; m = """"""
n = u'' 'a' "b" '''c'''
def o(): 'x'
