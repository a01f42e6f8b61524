x = 1; d = {"a": 1}
a = f"{d["a"]}"
b = f"{f"{f"{x}"}"}" f'{'\n'.join(['a', 'b'])}'
c = f"{
    x  # a comment with a quote " and a brace }
    + 1
}"
e = f'{d['a']:{'>' + str(x)}}'
f = f"{x:{x}}}}" f"{{{d["a"]}}}"
g = rf"{d["a"]}\{x}\"" if x else fR"\""
h = f"""{
f'''{
"import os"
}'''
}"""
class C:
    i = f"{(lambda: "def f(): pass")()}"
    def j(self): return f"{self["k"]!r}"
