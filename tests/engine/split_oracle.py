"""What ast says about a source, to compare the splitter's units with.

compare(text) gives a list of complaints; used by test_split.py and by
fuzz/fuzz_split.py.
"""

import ast
import io
import re
import sys
import tokenize
import unicodedata
import warnings

from midflight import _testengine as t

OTHER, DEF, CLASS, IMPORT, FROM, BLOCK = range(6)
HAS_LAMBDA, HAS_DEF, HAS_IMPORT, DOCSTRING, MAIN_GUARD, ONE_LINE, DECORATED = (
    1 << n for n in range(7)
)
OK, UNSURE = 0, 1

DEFS = (ast.FunctionDef, ast.AsyncFunctionDef)
BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith)
BLOCKS += (ast.Try, ast.TryStar, ast.Match)
REST_OF_LINE = re.compile(rb"(?:[ \t\f;]|\\\n)*(?:#[^\n]*)?(?:\n|\Z)")
JOINED = re.compile(rb"(?:[ \t\f;]|\\\n)*\Z")
BLANK = re.compile(rb"(?:[ \t\f\n]|\\\n|#[^\n]*)*\Z")
GUARD = re.compile(rb"""if[\s\\]+__name__[\s\\]*==[\s\\]*(["'])__main__\1[\s\\]*:""")


def use_rules_of_this_python():
    t.split_fstrings(sys.version_info >= (3, 12))


use_rules_of_this_python()


def decode(raw):
    """As the import system does; None if it cannot be."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
        text = raw.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError):
        return None
    return text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff")


def parse(text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            return None


class Source:
    """A text as bytes, with offsets of nodes in it."""

    def __init__(self, text):
        self.data = text.encode("utf-8", "surrogatepass")
        self.lines = [0]
        for match in re.finditer(rb"\n", self.data):
            self.lines.append(match.end())

    def begin(self, node):
        if getattr(node, "decorator_list", None):
            first = self.lines[node.decorator_list[0].lineno - 1]
            first += node.decorator_list[0].col_offset
            return self.data.rindex(b"@", 0, first)
        return self.lines[node.lineno - 1] + node.col_offset

    def end(self, node):
        return self.lines[node.end_lineno - 1] + node.end_col_offset

    def line_of(self, offset):
        return self.data.count(b"\n", 0, offset) + 1


def logical_lines(source, body):
    """Lists of the statements that share a logical line."""
    groups = []
    for node in body:
        if groups:
            between = source.data[source.end(groups[-1][-1]) : source.begin(node)]
            if JOINED.match(between):
                groups[-1].append(node)
                continue
        groups.append([node])
    return groups


def kind_of(group, top):
    node = group[0]
    if isinstance(node, DEFS):
        return DEF
    if isinstance(node, ast.ClassDef):
        return CLASS
    if isinstance(node, BLOCKS):
        return BLOCK
    if top and len(group) == 1 and isinstance(node, ast.Import):
        return IMPORT
    if top and len(group) == 1 and isinstance(node, ast.ImportFrom):
        return FROM
    return OTHER


def is_string(node):
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def flags_of(source, group, kind, first, top, body):
    flags = 0
    for node in group:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Lambda):
                flags |= HAS_LAMBDA
            elif isinstance(inner, (ast.Import, ast.ImportFrom)):
                flags |= HAS_IMPORT
            elif isinstance(inner, (*DEFS, ast.ClassDef)) and inner is not group[0]:
                flags |= HAS_DEF
    node = group[0]
    if first and is_string(node):
        flags |= DOCSTRING
    if kind in (DEF, CLASS):
        flags |= DECORATED if node.decorator_list else 0
        between = source.data[body : source.begin(node.body[0])]
        flags |= ONE_LINE if JOINED.match(between) else 0
    if isinstance(node, ast.If) and top and not node.orelse:
        flags |= MAIN_GUARD if GUARD.match(source.data, source.begin(node)) else 0
    return flags


def identifiers(group):
    """Every name in the trees, as the compiler has them."""
    for top in group:
        for node in ast.walk(top):
            for field, value in ast.iter_fields(node):
                if isinstance(node, ast.Constant) or field in ("type_comment", "str"):    # t"{x}" has its text there
                    continue
                for item in value if isinstance(value, list) else [value]:
                    if isinstance(item, str):
                        yield from item.split(".")


def words_of(group):
    words = 0
    for name in set(identifiers(group)):
        if name != "*":
            words |= t.split_word(name.encode())
    return words


def imports_of(node, nested=False, guarded=False):
    """The import statements under a node, as mf_split_imports has them."""
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        plain = isinstance(node, ast.Import)
        for alias in node.names:
            bound = alias.asname or alias.name.partition(".")[0]
            yield {
                "module": alias.name if plain else node.module or "",
                "level": 0 if plain else node.level,
                "name": None if plain else alias.name,
                "as": None if alias.name == "*" else bound,
                "line": node.lineno,
                "nested": nested,
                "guarded": guarded,
            }
        return
    nested = nested or isinstance(node, DEFS)
    guarded = guarded or isinstance(node, BLOCKS)
    for inner in ast.iter_child_nodes(node):
        if not isinstance(inner, ast.expr):
            yield from imports_of(inner, nested, guarded)


def normal(text):
    return text and unicodedata.normalize("NFKC", re.sub(r"[\s\\]", "", text))


def expected(source, body, parent, units, got, top=True):
    """Appends what a scope should give, in the splitter's order. `got` is
    looked at only for the end of headers, which ast does not tell and
    compare_unit checks."""
    for number, group in enumerate(logical_lines(source, body)):
        node = group[0]
        begin = source.begin(node)
        start = source.data.rfind(b"\n", 0, begin) + 1
        end = REST_OF_LINE.match(source.data, source.end(group[-1])).end()
        kind = kind_of(group, top)
        index = len(units)
        header_end = got[index]["body"] if index < len(got) else 0
        flags = flags_of(source, group, kind, number == 0, top, header_end)
        unit = {
            "start": start,
            "end": end,
            "line": source.line_of(start),
            "end_line": source.line_of(end - source.data[start:end].endswith(b"\n")),
            "def_line": node.lineno,
            "indent": begin - start,
            "kind": kind,
            "flags": flags,
            "name": node.name if kind in (DEF, CLASS) else "",
            "parent": parent,
            "group": group,
        }
        units.append(unit)
        if kind == CLASS and not flags & ONE_LINE:
            expected(source, node.body, index, units, got, top=False)


def compare_unit(source, got, want):
    for key, value in want.items():
        if key == "name":
            if normal(got[key]) != value:
                yield f"name is {got[key]!r}, not {value!r}"
        elif key != "group" and got[key] != value:
            yield f"{key} is {got[key]}, not {value}"
    group = want["group"]
    missing = words_of(group) & ~got["words"]
    if missing:
        yield f"words lack {missing:#x}"
    if want["kind"] in (DEF, CLASS):
        behind = source.data[got["body"] : source.begin(group[0].body[0])]
        if source.data[got["body"] - 1 : got["body"]] != b":" or not BLANK.match(behind):
            yield f"body at {got['body']}"
    elif got["body"] != 0:
        yield "body of a statement without one"
    imports = [imported for node in group for imported in imports_of(node)]
    mine = [
        dict(i, **{key: normal(i[key]) for key in ("module", "name", "as")})
        for i in got["imports"]
    ]
    if imports != mine:
        yield f"imports are {mine}, not {imports}"


def links(split, index):
    while index is not None:
        yield index
        index = split["units"][index]["next"]


def compare_links(split, want):
    """first, first_child and next give the same tree as parent."""
    scopes = {}
    for index, unit in enumerate(want):
        scopes.setdefault(unit["parent"], []).append(index)
    heads = {None: split["first"]}
    heads.update((n, unit["first_child"]) for n, unit in enumerate(split["units"]))
    for parent, head in heads.items():
        if list(links(split, head)) != scopes.get(parent, []):
            yield f"links of {parent} are {list(links(split, head))}"


def compare(text, tree=None):
    """Complaints, and the split. No complaint when the splitter is unsure."""
    source = Source(text)
    split = t.split(source.data)
    if split["result"] == UNSURE:
        return [], split
    want = []
    expected(source, (tree or parse(text)).body, None, want, split["units"])
    complaints = []
    if len(split["units"]) != len(want):
        complaints.append(f"{len(split['units'])} units, not {len(want)}")
    for got, unit in zip(split["units"], want):
        for complaint in compare_unit(source, got, unit):
            complaints.append(f"unit at line {unit['line']}: {complaint}")
    lines = source.data.count(b"\n") + (source.data[-1:] not in (b"", b"\n"))
    if split["lines"] != lines:
        complaints.append(f"{split['lines']} lines, not {lines}")
    return complaints or list(compare_links(split, want)), split
