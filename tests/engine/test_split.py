"""The splitter against ast: same statements, same spans, same names.

MIDFLIGHT_TEST_ALL=1 (make test-all) compares every file of the standard library and of the installed
packages; without it a sample of them.
"""

import os
import random
import sysconfig
from pathlib import Path

import pytest

import split_oracle as oracle
from midflight import _testengine as t

ROOT = Path(__file__).resolve().parents[2]
CORPUS = sorted((ROOT / "fuzz/corpus/split").glob("*.py"))
SAMPLE = 150
ALL_WORDS = 2**64 - 1


def installed():
    roots = {sysconfig.get_paths()[key] for key in ("stdlib", "purelib")}
    files = {path for root in roots for path in Path(root).rglob("*.py") if path.is_file()}
    return sorted(files)


def split(text):
    return t.split(text.encode())


def units(text):
    result = split(text)
    assert result["result"] == oracle.OK, result["why"]
    return result["units"]


def words(*names):
    bits = 0
    for name in names:
        bits |= t.split_word(name.encode())
    return bits


def check(path):
    """Complaints about a file; None: Python cannot read it either."""
    raw = path.read_bytes()
    text = oracle.decode(raw)
    tree = None if text is None else oracle.parse(text)
    if tree is None:
        t.split(raw)
        return None
    complaints, result = oracle.compare(text, tree)
    if result["result"] == oracle.UNSURE:
        complaints = [f"unsure: {result['why']}, line {result['why_line']}"]
    return [f"{path}: {complaint}" for complaint in complaints]


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_corpus(path):
    assert not check(path)


def test_installed_files():
    files = installed()
    if not os.environ.get("MIDFLIGHT_TEST_ALL"):
        files = [f for f in files if f.stat().st_size < 100_000]
        files = random.Random(7).sample(files, SAMPLE)
    wrong, unsure = [], []
    for path in files:
        for complaint in check(path) or []:
            (unsure if "unsure" in complaint else wrong).append(complaint)
    assert not wrong
    assert len(unsure) <= len(files) / 1000, unsure


def test_cut_anywhere_never_crashes():
    rng = random.Random(7)
    for path in CORPUS:
        data = path.read_bytes()
        for _ in range(100):
            start, end = sorted(rng.randrange(len(data) + 1) for _ in range(2))
            result = t.split(data[start:end])
            for unit in result["units"]:
                assert 0 <= unit["start"] <= unit["end"] <= end - start
                assert unit["name"] == "" or unit["end"] > unit["body"] - 1


def test_every_byte_anywhere_never_crashes():
    rng = random.Random(7)
    signs = b"\"'\\\n#(){}[]:;=@ \t\f\xc3\x00frbtN1xclass def"
    for _ in range(3000):
        data = bytes(rng.choice(signs) for _ in range(rng.randrange(200)))
        t.split(data)


def test_empty_text():
    assert split("") == {
        "result": 0, "why": None, "why_line": 0, "lines": 0, "first": None, "units": [],
    }


@pytest.mark.parametrize(
    "text, line",
    [
        ("x = (1\n", 1),
        ("x = 1)\n", 1),
        ("x\ny = '''\n", 2),
        ("x = 'a\n", 1),
        ("x\n\n  y\n", 3),
        ("class C:\nx\n", 2),
        ("class C:\n  x\n y\n", 3),
        ("@a\nx = 1\n", 2),
        ("@a\n", 1),
        ("class C:\n", 1),
        ("else: pass\n", 1),
        ("x\n\\\ny\n", 2),
        ("x = 1 \\", 1),
    ],
)
def test_unsure_is_one_unit_of_everything(text, line):
    result = split(text)
    assert (result["result"], result["why_line"]) == (oracle.UNSURE, line)
    assert result["why"] and result["first"] == 0
    (unit,) = result["units"]
    assert (unit["start"], unit["end"], unit["line"]) == (0, len(text), 1)
    assert unit["end_line"] == result["lines"] == len(text.splitlines())
    assert unit["words"] == ALL_WORDS and unit["kind"] == oracle.OTHER
    everything = oracle.HAS_DEF | oracle.HAS_LAMBDA | oracle.HAS_IMPORT
    assert unit["flags"] == everything


def test_unsure_text_still_gives_its_imports():
    (unit,) = split("import a\nx = (\n\n")["units"]
    assert [i["module"] for i in unit["imports"]] == ["a"]
    (unit,) = split("x = 1)\nimport a\n")["units"]
    assert [i["module"] for i in unit["imports"]] == ["a"]


def test_words_of_code_only():
    text = "x = first('second', \"third\", '''fourth''')  # fifth\n"
    (unit,) = units(text)
    assert unit["words"] == words("x", "first")
    (unit,) = units("x = rb'''a\nb''' + 12 + 0x1F # y")
    assert unit["words"] == words("x")


def test_words_of_replacement_fields():
    (unit,) = units("x = f'one {two} {{three}} {four:>{five}} {d[\"six\"]}'\n")
    assert unit["words"] == words("x", "two", "four", "five", "d")


def test_words_across_the_masks():
    for shift in range(70):
        name = "n" * 70
        (unit,) = units("x" * (shift + 1) + " = " + name + "\n")
        assert unit["words"] == words("x" * (shift + 1), name)
    for size in range(1, 140):
        (unit,) = units("a" * size)
        assert unit["words"] == words("a" * size)


def test_word_not_ascii_may_be_any_word():
    assert units("ﬁ = 1\n")[0]["words"] == ALL_WORDS
    assert units("x = 'ﬁ'  # ﬁ\n")[0]["words"] == words("x")


def test_class_has_the_words_and_flags_of_its_members():
    text = "class C(A):\n    x = 1\n    def f(self): y\n    z = lambda: 1\n"
    of_class, *members = units(text)
    bits = words("class", "C", "A")
    for member in members:
        bits |= member["words"]
    assert of_class["words"] == bits
    assert of_class["flags"] == oracle.HAS_DEF | oracle.HAS_LAMBDA


def test_hash_follows_the_bytes():
    first = units("def f():\n    return 1\n\nx = 1\n")
    moved = units("# comment\n\ny = 2\ndef f():\n    return 1\nx = 1")
    assert first[0]["hash"] == moved[1]["hash"]
    assert first[1]["hash"] == moved[2]["hash"]  # no newline at the end
    seen = set()
    for size in range(200):
        for last in "ab":
            seen.add(units("x" * size + last)[0]["hash"])
    assert len(seen) == 400


def test_hash_sees_every_byte():
    text = bytearray(b"x" * 150)
    plain = t.split(bytes(text))["units"][0]["hash"]
    for at in range(len(text)):
        text[at] ^= 1
        assert t.split(bytes(text))["units"][0]["hash"] != plain
        text[at] ^= 1


def test_fields_before_312():
    """A string ends at its first matching quote, whatever its fields hold."""
    text = "x = f'{a[\"b\"]}' + f\"{c:{d}}\"; y = f'''{\ne}''' 'import'\nz = 1\n"
    nested = split(text)
    t.split_fstrings(False)
    try:
        assert split(text) == nested
        assert nested["units"][0]["words"] == words("x", "a", "c", "d", "y", "e")
        (unit,) = units("x = f'{a[' + b + ']}'\n")
        assert unit["words"] & words("x", "b") == words("x", "b")
    finally:
        oracle.use_rules_of_this_python()


def test_nested_fields_of_312():
    t.split_fstrings(True)
    try:
        first, second = units("x = f'{a['b#']:{f'{c}'}}' f\"{\nd}\"\ny = 1\n")
    finally:
        oracle.use_rules_of_this_python()
    assert first["words"] == words("x", "a", "c", "d")
    assert second["line"] == 3


def test_template_strings_of_314():
    t.split_fstrings(True)
    try:
        (unit,) = units("x = t'{a['b']}' rt'{c}' TR'{d}'\n")
    finally:
        oracle.use_rules_of_this_python()
    assert unit["words"] == words("x", "a", "c", "d")


def test_lazy_imports_of_315():
    text = "lazy import a.b\nlazy from c import d\nlazy = 1\nlazy\n"
    first, second, third, fourth = units(text)
    assert (first["kind"], second["kind"]) == (oracle.IMPORT, oracle.FROM)
    assert (third["kind"], fourth["kind"]) == (oracle.OTHER, oracle.OTHER)
    assert [(i["module"], i["as"]) for i in first["imports"]] == [("a.b", "a")]
    assert [(i["module"], i["as"]) for i in second["imports"]] == [("c", "d")]
    (unit,) = units("if x:\n    lazy import a; y = 1; lazy from b import c\n")
    assert [i["guarded"] for i in unit["imports"]] == [True, True]


def test_nesting_has_a_bound():
    """Deep nesting makes the splitter unsure; the C stack stays small."""
    for piece in ("f'{", "{:", "f'''{x:{"):
        assert split("x = f'{" + piece * 100_000)["result"] == oracle.UNSURE
    deep = "".join(f"{' ' * n}class C:\n" for n in range(150))
    assert split(deep)["result"] == oracle.UNSURE


def test_speed_is_linear():
    """No text makes it quadratic: twenty times the text is far less than four
    hundred times the time."""
    for piece in ('x = """\\\\\\\\" \' "" """\n', "f('''\n''')\n", "(\n)\n", "if x:\n y\n"):
        small, large = piece.encode() * 500, piece.encode() * 10_000
        assert t.split_time(large, 3) < 200 * t.split_time(small, 20) + 1e6
