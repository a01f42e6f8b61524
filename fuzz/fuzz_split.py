"""Random edits of real sources: the splitter against ast.

    python fuzz/fuzz_split.py SECONDS [--seed N]

Pieces of installed sources are mutated and put together; what still parses
is compared, what does not must only not crash. A failure is made smaller and
written to fuzz/corpus/split/, which tests/engine/test_split.py reads.
"""

import argparse
import hashlib
import random
import re
import sys
import sysconfig
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/engine"))

import split_oracle as oracle  # noqa: E402

CORPUS = ROOT / "fuzz/corpus/split"
TOKEN = re.compile(r"\w+|[ \t]+|\n|.")
LOOKS_ODD = re.compile(r"""['"]{1,3}|[#\\;:{}()\[\]@]|\b(?:class|import|lambda|match|async)\b""")

EXPRESSIONS = (
    "x 1 1.5 'a' \"b\" '' \"\" '''c''' \"\"\"d\"\"\" b'e' rb'\\\\' r'\\'' u'f' '\\'' \"\\\\\" "
    "'#' '{' \")\" f'{x}' f'{{}}' f'{x!r:>{y}}' f\"{x['a']}\" f'''{x}''' rf'\\{x}' f'\\N{DASH}{x}' "
    "{1:2} [1,2] (1,) [] () {} x[1:2] x(y=1) 1if(x)else(2) -x not(x) lambda:1 lambda(x):2"
).replace("lambda(x):2", "lambda**x:{1:2}").split() + [
    "f'''{\nx\n}'''", '"""a\n  class X: "b" \'\'\'\n# c\n"""', "'a\\\nb'", "(x\n  # )\n)", "[\n]",
    "f'{x:{y}}}}'", "f'{x['a']}'", "f\"{f\"{x}\"}\"", "f'{\nx # }\n}'", "rf'{x}\\''", "(x := 1)",
    "f'{x = !r}'", "f'{x:%H:%M}'", "f'{ {1: 2}[1] }'", "f'{(lambda: x)()}'", "'''a'''\"b\" 'c'",
    "f'{x!=y}'", "f'{x:{'a'}>{y}}'", "fr'{x:\\d}'", "f'{'\\n'}'", "f'{x:\\'}'", "x if y else z",
    "\\\nx", "x \\\n", "f'{x\n}'", "f'{\"\"\"\n\"\"\"}'", "yield", "await x", "f'\\\n{x}'", "ﬁ", "é",
]
SIMPLE = [
    "E", "x = E", "x = E; y = E", "x = E;", "pass", "del x", "import a", "import a.b as c, d",
    "from a import b", "from . import a as b", "from .a.b import (c,\nd as e, # f\n)",
    "from ...import a", "from a import *", "import a; x = E", "x = E; import a", "assert E, E",
    "global g", "x: E = E", "x: 'E'", "match = E", "case = E", "type X = E", "match(E)", "lazy",
    "match: E", "type(E)", "print(E, E)", "x = yield E", "return E", "raise E from E", "x = E \\\n",
    "x \\\n= E", "x = (E,\n\n  # c\nE)", '"""E"""', "'doc'", "('doc')", "'doc'; x", "await E",
    "from a \\\n import b", "import a \\\n.b", "x = lambda: E", "case: E", "x = [E for x in E]",
]
HEADERS = [
    "if E:", "if __name__ == '__main__':", "for x in E:", "while E:", "with E as x, E:", "try:",
    "def f(x=E, *, y: E) -> E:", "async def f():", "class C:", "class C(E, x=E):", "class D(\nE):",
    "match E:", "match E, E:", "async with E:", "async for x in E:", "with (\nE\n):", "def f[T](x):",
    "class C[T: E]:", "@E\nclass C:", "@E\n@x\ndef f():", "@x # c\n\n# d\n  # e\nasync def f():",
    "async \\\ndef f():", "class \\\nC:", "def f() -> lambda: E:",
]  # fmt: skip
CLAUSES = {
    "if": ["elif E:", "else:"], "for": ["else:"], "while": ["else:"],
    "try": ["finally:", "except E:", "except (E,\nE) as x:", "except* E:", "else:", "except:"],
}  # fmt: skip
NOISE = ["", "", "# c", "   # d", "\t", "\f", "# '", '# """', "   ", "\x0c# e", "# \\", "#;:("]


def filled(rng, text):
    return re.sub(r"\bE\b", lambda _: rng.choice(EXPRESSIONS), text)


def made_up(rng, indent, depth):
    """Lines of a made-up block."""
    step = rng.choice([" ", "  ", "    ", "\t", "        "])
    lines = []
    for _ in range(rng.randint(1, 4)):
        if rng.random() < 0.2:
            lines.append(rng.choice(NOISE))
        if depth == 0 or rng.random() < 0.5:
            lines.append(indent + filled(rng, rng.choice(SIMPLE)))
            continue
        header = rng.choice(HEADERS)
        word = header.split()[0].rstrip(":")
        while header:
            text = filled(rng, header).replace("\n@", f"\n{indent}@")
            text = re.sub(r"\n(?=def|class|async)", f"\n{indent}", text)
            if word == "match" and header.endswith(":"):
                lines.append(indent + text)
                lines.append(f"{indent}{step}case {rng.choice(['1', '_', '[x]', 'C()'])}:")
                lines += made_up(rng, indent + step * 2, depth - 1)
            elif rng.random() < 0.25:
                lines.append(f"{indent}{text} {filled(rng, rng.choice(SIMPLE))}")
            else:
                lines.append(indent + text + rng.choice(["", "", " ", "  # c:"]))
                lines += made_up(rng, indent + step, depth - 1)
            clauses = CLAUSES.get(word, [])
            needed = word == "try" and not header.startswith(("except", "finally"))
            header = rng.choice(clauses) if clauses and (needed or rng.random() < 0.4) else None
            if rng.random() < 0.2:
                lines.append(rng.choice(NOISE))
    return lines


def real(rng, texts):
    """Some top-level statements of a real source."""
    text = rng.choice(texts)
    lines = text.split("\n")
    starts = [n for n, line in enumerate(lines) if re.match(r"[\w@]", line)]
    first = rng.randrange(len(starts)) if starts else 0
    last = first + rng.randint(1, 5)
    begin = starts[first] if starts else 0
    end = starts[last] if last < len(starts) else len(lines)
    return lines[begin : min(end, begin + 120)]


def edit_tokens(rng, text):
    tokens = TOKEN.findall(text)
    if not tokens:
        return text
    at = rng.randrange(len(tokens))
    odd = [n for n, token in enumerate(tokens) if LOOKS_ODD.match(token)]
    if odd and rng.random() < 0.5:
        at = rng.choice(odd)
    kind = rng.randrange(7)
    if kind == 0:
        del tokens[at]
    elif kind == 1:
        tokens.insert(at, rng.choice(tokens))
    elif kind == 2:
        tokens[at] = rng.choice(tokens)
    elif kind == 3:
        blanks = [n for n, token in enumerate(tokens) if token.isspace() and token != "\n"]
        if blanks:
            tokens[rng.choice(blanks)] = rng.choice(["\\\n", " \\\n  ", "\t", "\f", "  ", ""])
    elif kind == 4:
        words = [n for n, token in enumerate(tokens) if token.isidentifier()]
        if words:
            tokens[rng.choice(words)] = rng.choice(EXPRESSIONS)
    elif kind == 5:
        tokens.insert(at, rng.choice(["\\\n", "\n", ";", "#", "'", '"', "(", ")", "\f", ":", "é"]))
    else:
        tokens[at] = rng.choice(EXPRESSIONS)
    return "".join(tokens)


def edit_lines(rng, lines):
    at = rng.randrange(len(lines) + 1)
    kind = rng.randrange(6)
    if kind == 0:
        lines.insert(at, rng.choice(NOISE))
    elif kind == 1 and at < len(lines):
        indent = re.match(r"[ \t]*", lines[at])[0]
        lines[at:at] = made_up(rng, indent, rng.randint(0, 2))
    elif kind == 2 and at < len(lines):
        del lines[at]
    elif kind == 3 and at < len(lines):
        lines[at] = lines[at] + rng.choice(["  # '", " \\", ";", " ; x", "\f", "  "])
    elif kind == 4 and at + 1 < len(lines):
        lines[at : at + 2] = [f"{lines[at]}; {lines[at + 1].lstrip()}"]
    elif kind == 5 and rng.random() < 0.3:
        lines[:] = [re.sub(r"^ +", lambda m: "\t" * (len(m[0]) // 4), line) for line in lines]
    return lines


def candidate(rng, texts):
    lines = []
    for _ in range(rng.randint(1, 3)):
        if rng.random() < 0.5:
            lines += real(rng, texts)
        else:
            lines += made_up(rng, "", rng.randint(0, 3))
    for _ in range(rng.randint(0, 2)):
        lines = edit_lines(rng, lines)
    text = "\n".join(lines)
    for _ in range(rng.choice([0, 0, 1, 1, 2])):
        text = edit_tokens(rng, text)
    return text + rng.choice(["", "\n", "\n", "\n\n", "\n# end", "\n  "])


def complaints_about(text):
    tree = oracle.parse(text)
    if tree is None:
        oracle.t.split(text.encode("utf-8", "surrogatepass"))
        return None
    return oracle.compare(text, tree)


def smaller(text):
    """The failing text with as few lines as still fail."""
    lines, at = text.split("\n"), 0
    while at < len(lines):
        fewer = "\n".join(lines[:at] + lines[at + 1 :])
        result = complaints_about(fewer)
        if result is not None and result[0]:
            del lines[at]
        else:
            at += 1
    return "\n".join(lines)


def sources():
    files = sorted(path for path in Path(sysconfig.get_paths()["stdlib"]).rglob("*.py") if path.is_file())
    files = files[::5] + sorted(CORPUS.glob("[!0-9]*.py"))
    texts = [oracle.decode(path.read_bytes()) for path in files]
    return [text for text in texts if text]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("seconds", type=float)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    texts = sources()
    end = time.monotonic() + options.seconds
    tried = compared = failed = 0
    unsure = {}
    while time.monotonic() < end and failed < 10:
        text = candidate(rng, texts)
        tried += 1
        result = complaints_about(text)
        if result is None:
            continue
        compared += 1
        complaints, split = result
        if split["result"] == oracle.UNSURE:
            unsure[split["why"]] = unsure.get(split["why"], 0) + 1
        if complaints:
            failed += 1
            text = smaller(text)
            name = "0" + hashlib.sha1(text.encode()).hexdigest()[:12]
            (CORPUS / f"{name}.py").write_text(text, encoding="utf-8", newline="")
            print(f"{name}.py: {complaints_about(text)[0][:3]}")
    print(f"seed {options.seed}: {tried} tried, {compared} compared, {failed} failed, unsure {unsure}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
