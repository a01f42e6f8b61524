w = 5; d = {'a': 1}
a = f"{w}" f'{w!r:>{w}}' rf"\{w}" f"{{}}" f"{{{w}}}" F'\N{BULLET}{w}'
b = f"""{
    w
    + len('import x')} {w:{w}} {d['a']}
{{ def f(): }}"""
c = f'{w != 5} {w == 5} {w = } {w=!r:^20} {(lambda x: x)(w)}'
d = f"{ {'a': 1}['a'] }" f"{[1, 2][0:1]}" f'{w:,}' f"{w:{'>'}{w}}"
class C:
    e = f"{w}"; f = f'''{
w}'''
    def g(self): return f"{self.e!s}"
