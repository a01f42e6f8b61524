"""module"""; x = 1

class C:
    ("in "
     # comment
     r"parentheses")

    def f(self): "one line"

class D:
    b"bytes"

class E:
    f"{D}"

class F:
    "a" + "b"

class G:
    "call".upper()

class H:
    ("tuple",)

class I:
    u"u" \
    "continued"
