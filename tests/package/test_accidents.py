"""What can go wrong with a save, everywhere that a module can stand: the report names file and line, every module of
the program is as before, and the next good save takes effect."""

import json
import subprocess
import sys
import textwrap

import pytest
from helpers import environment

FILES = {
    "shop/__init__.py": "from .rates import TAX\nNAME = 'shop'\ndef title():\n    return 'title ' + NAME\n",
    "shop/rates.py": "TAX = 1\nNAMES = ['a']\ndef total(net):\n    return net + TAX\n",
    "shop/cart.py": "from shop import TAX\nfrom shop.rates import total, NAMES\nLABEL = f'tax {TAX}'\nclass Cart:\n"
                    "    unit = TAX\n    def sum(self):\n        return total(10)\n",
    "app.py": "from shop.cart import Cart, LABEL\nimport shop\nSTATE = {'seen': 0}\ndef run():\n    STATE['seen'] += 1\n"
              "    return Cart().sum(), LABEL, shop.title()\n",
}
PROGRAM = """
    import json, os, shutil, sys
    import midflight
    midflight.start(roots=[os.getcwd()])
    sys.path.insert(0, os.getcwd())
    main = sys.modules["__main__"]
    main.__file__ = os.path.abspath("app.py")
    exec(compile(open("app.py").read(), main.__file__, "exec"), vars(main))
    import shop.cart, shop.rates
    CART = main.Cart()
    MODULES = {"app.py": main, "shop/__init__.py": shop, "shop/rates.py": shop.rates, "shop/cart.py": shop.cart}
    TEXTS = {name: open(name).read() for name in MODULES}
    RUN, SUM = main.run, CART.sum

    def seen():
        "Everything that the program can see of itself, identities too."
        found = {}
        for name, module in MODULES.items():
            for key, value in vars(module).items():
                if key.startswith("__") or module is main and key not in ("Cart", "LABEL", "shop", "STATE", "run"):
                    continue
                found[name, key] = (id(value), repr(value) if isinstance(value, (int, str, list, dict)) else None,
                                    id(getattr(value, "__code__", None)), sorted(vars(value)) if isinstance(value, type) else None)
        return found, sorted(sys.modules)

    def write(name, text):
        if os.path.isdir(name):
            shutil.rmtree(name)
        elif os.path.lexists(name):
            os.remove(name)
        if text is None:
            return
        if callable(text):
            return text(name)
        if isinstance(text, str):
            text = text.encode()
        with open(name, "wb") as file:
            file.write(text)

    def paths(*names):
        return [os.path.abspath(name) for name in names]

    def told(report):
        return json.loads(report.to_json())
"""
MARK = "ACCIDENT_MARK"


def late(line):
    """The text of the file, with this at its end."""
    return lambda text: text + line + "\n"


def edited(place, text):
    """A good edit of each file, whose effect can be seen."""
    return {"app.py": text.replace("STATE['seen'] += 1", "STATE['seen'] += 10"), "shop/__init__.py": text.replace("'title '", "'TITLE '"),
            "shop/rates.py": text.replace("TAX = 1", "TAX = 5"), "shop/cart.py": text.replace("total(10)", "total(20)")}[place]


# name: (what the file becomes: text -> bytes, str, None or code that makes it; the report's words; its line from the end, or None)
ACCIDENTS = {
    "syntax error": (late("def broken(:"), "SyntaxError", 0),
    "syntax error in a method": (late("class New:\n    def broken(self):\n        return (1"), "SyntaxError", None),
    "return outside a function": (late("return 1"), "SyntaxError", 0),
    "nonlocal at the top": (late("def f():\n    nonlocal nowhere"), "SyntaxError", 0),
    "break outside a loop": (late("if True:\n    break"), "SyntaxError", 0),
    "bad indentation": (late("def f():\n    pass\n  pass"), "IndentationError", 0),
    "tabs and blanks": (late("if 1:\n        a = 1\n\tb = 2"), "TabError", 0),
    "too deep": (late("x = " + "(" * 300 + ")" * 300), "SyntaxError", None),
    "exception": (late("NAMES_SEEN = [].pop()"), "IndexError", 0),
    "exception in a call": (late("def f():\n    return 1 / 0\nf()"), "ZeroDivisionError", 1),
    "exception with a bad text": (late("class E(Exception):\n    def __str__(self):\n        1 / 0\nraise E"), "E", 0),
    "base exception": (late("raise GeneratorExit('x')"), "GeneratorExit", 0),
    "missing import": (late("import no_such_module_anywhere"), "ModuleNotFoundError", 0),
    "missing name": (late("from shop.rates import no_such_name"), "ImportError", 0),
    "exit": (late("import sys\nsys.exit(3)"), "SystemExit", 0),
    "quit": (late("raise SystemExit"), "SystemExit", 0),
    "recursion": (late("def f():\n    return f()\nf()"), "RecursionError", 1),
    "recursion in a repr": (late("class R:\n    def __repr__(self):\n        return repr(self)\nrepr(R())"), "RecursionError", 1),
    "wrong encoding": (lambda text: text.encode() + b"WORD = '\xe9'\n", "SyntaxError: the file is not valid utf-8", 0),
    "unknown encoding": (lambda text: "# coding: no-such-code\n" + text, "SyntaxError: unknown encoding: no-such-code", None),
    "cookie that lies": (lambda text: b"# coding: ascii\n" + text.encode() + b"WORD = '\xc3\xa9'\n", "SyntaxError: the file is not valid ascii", 0),
    "mark and another cookie": (lambda text: b"\xef\xbb\xbf# coding: latin-1\n" + text.encode(), "SyntaxError: encoding problem: latin-1 with BOM", None),
    "utf-16": (lambda text: text.encode("utf-16"), "", None),
    "null bytes": (lambda text: text.encode() + b"WORD = 'a\0b'\n", "null bytes", 0),
    "folder in its place": (lambda text: "os.mkdir", "Is a directory", None),
    "pipe in its place": (lambda text: "os.mkfifo", "Invalid argument", None),
    "link to nothing": (lambda text: "lambda name: os.symlink('nowhere.py', name)", "", None),
    "link to itself": (lambda text: "lambda name: os.symlink(os.path.basename(name), name)", "Too many levels of symbolic links", None),
    "half written": (lambda text: text[:text.rindex("(") + 1], "SyntaxError", None),
    "deleted": (lambda text: None, "", None),
}
GONE = ("link to nothing", "deleted")       # who still imports it says so
BESIDES = {"alone": None, "and a good edit": "good", "and another bad one": "bad"}


def run(folder, text):
    for name, source in FILES.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(source)
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(PROGRAM) + textwrap.dedent(text)], cwd=folder, capture_output=True,
                          text=True, timeout=60, env=environment())
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout) if done.stdout else None


@pytest.mark.parametrize("besides", BESIDES)
@pytest.mark.parametrize("place", FILES)
@pytest.mark.parametrize("name", ACCIDENTS)
def test_accident(tmp_path, name, place, besides):
    make, word, from_end = ACCIDENTS[name]
    bad = make(FILES[place])
    shown = bad if isinstance(bad, str) and bad.startswith(("os.mk", "lambda name")) else repr(bad)
    other = next(file for file in FILES if file != place)
    more = {"good": edited(other, FILES[other]), "bad": FILES[other] + "1 / 0\n"}.get(BESIDES[besides])
    wanted = {file: edited(file, text) for file, text in FILES.items()}
    got = run(tmp_path, f"""
        place, other, more, wanted = {place!r}, {other!r}, {more!r}, {wanted!r}
        asked = paths(place) if more is None else paths(place, other)
        before = seen()
        write(place, {shown})
        if more is not None:
            write(other, more)
        report = midflight.update(asked)
        assert seen() == before, [key for key in before[0] if seen()[0].get(key) != before[0][key]]
        assert report.outcome == "rejected", report
        assert RUN()[0] == 11 and SUM() == 11 and main.STATE["seen"] == 1
        for name in wanted:
            write(name, wanted[name])
        last = midflight.update(paths(*wanted))
        assert last.outcome == "committed", last
        assert RUN() == (25, "tax 5", "TITLE shop") and SUM() == 25 and main.STATE["seen"] == 11, (RUN(), SUM(), main.STATE)
        assert CART.unit == 5 and main.LABEL == "tax 5" and midflight.status()["pending"] == [], midflight.status()
        print(json.dumps(told(report)))
        """)
    if name in GONE and place != "app.py":
        assert all(reason["file"] and reason["line"] and place.replace("/__init__", "").removesuffix(".py").replace("/", ".")
                   in reason["text"] for reason in got["reasons"][:1]) and got["reasons"], got["reasons"]
        return
    mine = [reason for reason in got["reasons"] if reason["file"] and reason["file"].endswith(place)]
    if not mine and BESIDES[besides] == "bad":      # what runs aside ends at the first exception, as a program that starts would
        assert got["reasons"][0]["file"].endswith(other) and "ZeroDivisionError" in got["reasons"][0]["text"], got["reasons"]
        return
    assert mine, got["reasons"]
    assert any(word in reason["text"] for reason in mine), mine
    if from_end is not None:
        assert any(reason["line"] == len(bad.splitlines()) - from_end for reason in mine), (mine, len(bad.splitlines()))
