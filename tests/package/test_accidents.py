"""What can go wrong with a save, everywhere that a module can stand: the report names file and line, every module of
the program is as before, and the next good save takes effect."""

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
    import os, shutil, sys
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

    def check(place, other, shown, more, word, line, bad, gone):
        "One accident, in a child of its own."
        before = seen()
        write(place, eval(shown))
        if more is not None:
            write(other, more)
        report = midflight.update(paths(place) if more is None else paths(place, other))
        assert report.outcome == "rejected", report
        after = seen()
        assert after == before, ([key for key in before[0] if after[0].get(key) != before[0][key]], {*after[1]} ^ {*before[1]})
        assert RUN()[0] == 11 and SUM() == 11 and main.STATE["seen"] == 1
        reasons = report.reasons
        mine = [reason for reason in reasons if reason.file == os.path.abspath(place)]
        if gone and place != "app.py":          # who still imports it says so
            module = place.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            assert reasons[0].line and module in reasons[0].text, report
        elif bad and not mine:                  # what runs aside ends at the first exception, as a program that starts would
            assert reasons[0].file == os.path.abspath(other) and "ZeroDivisionError" in reasons[0].text, report
        else:
            assert any(word in reason.text and line in (None, reason.line) for reason in mine), (word, line, report.to_json())
        for name in WANTED:
            write(name, WANTED[name])
        last = midflight.update(paths(*WANTED))
        assert last.outcome == "committed", last
        assert RUN() == (25, "tax 5", "TITLE shop") and SUM() == 25 and main.STATE["seen"] == 11, (RUN(), SUM(), main.STATE)
        assert CART.unit == 5 and main.LABEL == "tax 5" and midflight.status()["pending"] == [], midflight.status()

    failed = []
    for variant in VARIANTS:
        for name in TEXTS:
            write(name, TEXTS[name])
        pid = os.fork()
        if pid == 0:
            try:
                check(*variant)
            except BaseException:
                import traceback
                sys.stderr.write(f"{variant}\\n{traceback.format_exc()}")
                os._exit(1)
            os._exit(0)
        if os.waitpid(pid, 0)[1]:
            failed.append(variant)
    assert not failed, f"{len(failed)} of {len(VARIANTS)} failed"
"""


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


def variants(name):
    """The accident in each file, alone, with a good edit of another file, with another mistake."""
    make, word, from_end = ACCIDENTS[name]
    for place in FILES:
        bad = make(FILES[place])
        shown = bad if isinstance(bad, str) and bad.startswith(("os.mk", "lambda name")) else repr(bad)
        line = None if from_end is None else len(bad.splitlines()) - from_end
        other = next(file for file in FILES if file != place)
        for more in (None, edited(other, FILES[other]), FILES[other] + "1 / 0\n"):
            yield place, other, shown, more, word, line, more is not None and more.endswith("1 / 0\n"), name in GONE


@pytest.mark.parametrize("name", ACCIDENTS)
def test_accident(tmp_path, name):
    for file, source in FILES.items():
        path = tmp_path / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(source)
    wanted = {file: edited(file, text) for file, text in FILES.items()}
    head = f"WANTED, VARIANTS = {wanted!r}, {list(variants(name))!r}\n"
    done = subprocess.run([sys.executable, "-c", head + textwrap.dedent(PROGRAM)], cwd=tmp_path, capture_output=True, text=True,
                          timeout=120, env=environment())
    assert done.returncode == 0, done.stderr[-4000:]
