"""test_style.py -- the house rules that a machine can see: layering of includes, sizes, prefixes, version tests, the build's list of files.

In: the files that git lists (or, outside a checkout, those on disk). Out: one failure per rule, with every place that breaks it.
"""
import ast
import os
import re
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ENGINE = "src/engine/"

# The rooms in the order of the flow; those of one line stand side by side. A file NAME_PART belongs to the room NAME.
FLOW = [
    "read/watch",
    "read/split",
    "read/source",
    "read/imports read/graph",
    "read/hush",
    "read/compile",
    "read/diff",
    "read/plan",
    "stage/effects",
    "stage/guard",
    "stage/stage",
    "stage/match",
    "stage/fields",
    "stage/merge stage/shape",
    "stage/register",
    "stage/check",
    "stage/hooks",
    "commit/safepoint",
    "commit/undo",
    "commit/become",
    "commit/gone",
    "commit/rebuild",
    "commit/migrate",
    "commit/redefine commit/class commit/rebind",
    "commit/commit commit/bring_home",
    "commit/record commit/baseline",
]
KNOWLEDGE = ("heap/",)                                       # stands beside the flow: looks at ground only
FRAME = ("agent", "args", "capi", "fork", "module", "thread", "update")       # around the flow
# The rooms of the package in the same way: a file, or a folder with its parts. A room imports from lines above its own only.
PACKAGE = "src/midflight/"
PACKAGE_FLOW = [
    "errors hashes private report",
    "settings hooks",
    "rules",
    "api",                                                   # its calls open the rooms below when they are wanted
    "reloading journal attach",
    "hotfix",
    "agent",
    "auto page",
    "cli",
]
LIMITS = {".c": 700, ".h": 150, ".py": 400}
# Written in two parts, so that this file does not match itself.
UNFINISHED = re.compile("|".join(a + b for a, b in (
    ("TO", "DO"), ("FIX", "ME"), ("XX", "X"), ("NotImplemented", "Error"), (r"mark\.(skip|x", "fail)"), (r"pytest\.sk", r"ip\("))))
MACHINE = re.compile(r"(^|[^A-Za-z0-9_.])/(work|farm|ro" + r"ot)/[A-Za-z0-9_/.-]*")


def files():
    try:
        out = subprocess.run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard"], check=True, capture_output=True, text=True).stdout
        names = out.splitlines()
    except (OSError, subprocess.CalledProcessError):
        names = [os.path.relpath(os.path.join(d, n), ROOT) for d, _, ns in os.walk(ROOT) for n in ns]
    return sorted(n for n in names if os.path.exists(os.path.join(ROOT, n)))


FILES = files()
SOURCES = [n for n in FILES if n.startswith(ENGINE) and n.endswith((".c", ".h"))]


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8", errors="replace") as f:
        return f.read()


def room_of(name):
    """'read/split' for src/engine/read/split_token.h; '' for what lies outside the rooms."""
    path = name[len(ENGINE):].rpartition(".")[0]
    for line in FLOW:
        for room in line.split():
            if path == room or path.startswith(room + "_"):
                return room
    return path


def place_of(room):
    return next((i for i, line in enumerate(FLOW) if room in line.split()), None)


def includes_of(name):
    for number, line in enumerate(read(name).splitlines(), 1):
        found = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if found:
            yield number, os.path.normpath(os.path.join(os.path.dirname(name), found.group(1)))


def may_include(header, other):
    own, theirs = room_of(header), room_of(other)
    if theirs in ("engine", "state") or theirs.startswith("ground/") or own == theirs:
        return not (own.startswith("ground/") and theirs == "state")
    if own.startswith(("ground/", *KNOWLEDGE)) or own in ("engine", "state"):
        return own.startswith(KNOWLEDGE) and theirs.startswith(KNOWLEDGE)
    if own.partition("_")[0] in FRAME:
        return True
    if theirs.startswith(KNOWLEDGE):
        return True
    here, there = place_of(own), place_of(theirs)
    return here is not None and there is not None and there <= here


def test_headers_include_to_the_left_only():
    bad = ["%s:%d includes %s" % (name, number, other) for name in SOURCES if name.endswith(".h")
           for number, other in includes_of(name) if other.startswith(ENGINE) and not may_include(name, other)]
    assert not bad, "\n".join(bad)


def test_every_room_has_its_place():
    bad = [n for n in SOURCES if "/" in n[len(ENGINE):] and place_of(room_of(n)) is None and not room_of(n).startswith(("ground/", *KNOWLEDGE))]
    assert not bad, "no place in the flow: %s" % bad


def test_only_the_story_includes_the_story():
    bad = ["%s:%d" % (n, number) for n in SOURCES if room_of(n) not in FRAME for number, other in includes_of(n) if other == ENGINE + "update.h" and n.endswith(".h")]
    assert not bad, "a header of a room includes update.h: %s" % bad


def module_of(name):
    """'hotfix.trust' for src/midflight/hotfix/trust.py, 'hotfix' for its __init__.py, '' for the package itself."""
    return name[len(PACKAGE):-3].replace("/", ".").removesuffix("__init__").rstrip(".")


MODULES = {module_of(n): n for n in FILES if n.startswith(PACKAGE) and n.endswith(".py")}


def imports_of(module):
    """(line, module of the package) for everything that a module imports, at its top or when it is wanted; but not what it opens
    for others: the calls of api the rooms below it, a folder its parts."""
    at = module.split(".") if MODULES[module].endswith("__init__.py") else module.split(".")[:-1]
    for node in ast.walk(ast.parse(read(MODULES[module]))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = [*[part for part in at if part][:len(at) - node.level + 1], *(node.module.split(".") if node.module else [])]
            for alias in node.names:
                whole = ".".join([*base, alias.name])
                other = whole if whole in MODULES else ".".join(base)
                opens = node.col_offset > 0 and (module == "api" or other.startswith(module + "."))
                if other and not opens:
                    yield node.lineno, other


def test_the_package_flows_one_way():
    places = {room: at for at, line in enumerate(PACKAGE_FLOW) for room in line.split()}
    rooms = {module.partition(".")[0] for module in MODULES} - {"", "__main__"}
    assert rooms == set(places), "without a place in the flow, or not there: %s" % sorted(rooms ^ set(places))
    bad = ["%s:%d imports %s" % (MODULES[module], line, other) for module in MODULES if module not in ("", "__main__")
           for line, other in imports_of(module)
           for own, theirs in [(module.partition(".")[0], other.partition(".")[0])] if own != theirs and places[theirs] >= places[own]]
    assert not bad, "\n".join(bad)


def test_no_module_imports_itself_in_a_circle():
    then = {module: {other for _, other in imports_of(module)} for module in MODULES if module}
    while then:
        last = {module for module, others in then.items() if not others & then.keys() - {module}}
        assert last, "in a circle: %s" % sorted(then)
        then = {module: others for module, others in then.items() if module not in last}


@pytest.mark.parametrize("suffix", sorted(LIMITS))
def test_sizes(suffix):
    mine = [n for n in FILES if n.endswith(suffix) and n.startswith(("src/", "tests/", "include/", "bench/", "fuzz/")) and not n.startswith("tests/cases/")]
    bad = ["%s: %d lines" % (n, count) for n in mine for count in [read(n).count("\n")] if count > LIMITS[suffix]]
    assert not bad, "more than %d lines:\n%s" % (LIMITS[suffix], "\n".join(bad))


def without_comments(text):
    text = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)
    text = re.sub(r"//[^\n]*", "", text)
    return re.sub(r'"(\\.|[^"\\\n])*"', '""', text)


DEFINITION = re.compile(r"^(?!static\b|typedef\b|#|return\b|else\b|extern \"C\")[A-Za-z_][\w \t*]*?\n?\**(\w+)\([^;{}#]*\)\s*\{", re.M)


def test_visible_functions_have_the_prefix():
    bad = []
    for name in SOURCES:
        text = without_comments(read(name))
        for found in DEFINITION.finditer(text):
            before = text[text.rfind("\n\n", 0, found.start()) + 1:found.start(1)]
            if re.search(r"\bstatic\b", before) or found.group(1).startswith(("mf_", "Midflight_", "PyInit_")) or found.group(1).isupper():
                continue
            bad.append("%s: %s" % (name, found.group(1)))
    assert not bad, "neither static nor mf_...:\n" + "\n".join(bad)


def test_versions_are_tested_in_compat_only():
    bad = ["%s:%d" % (n, i) for n in FILES if n.startswith(("src/", "include/")) and n.endswith((".c", ".h")) and "ground/compat" not in n
           for i, line in enumerate(read(n).splitlines(), 1) if re.search(r"PY_VERSION_HEX|PY_MINOR_VERSION|Py_BUILD_CORE", line)]
    assert not [b for b in bad if not b.startswith("include/")], bad


def test_the_build_lists_every_file():
    listed = set(re.findall(r"'([\w/]+\.c)'", read(ENGINE + "meson.build")))
    there = {n[len(ENGINE):] for n in SOURCES if n.endswith(".c")}
    assert not there - listed, "not in meson.build: %s" % sorted(there - listed)
    assert not listed - there, "in meson.build, but not there: %s" % sorted(listed - there)
    listed = set(re.findall(r"'(src/midflight/[\w/.]+)'", read("meson.build")))
    there = {n for n in FILES if n.startswith("src/midflight/") and n.endswith((".py", ".pyi", "py.typed"))}
    assert not there - listed, "not installed: %s" % sorted(there - listed)
    assert not listed - there, "installed, but not there: %s" % sorted(listed - there)


def test_files_begin_with_what_they_own():
    bad = [n for n in SOURCES if not read(n).startswith("/* " + os.path.basename(n))]
    bad += [n for n in FILES if n.startswith("src/midflight/") and n.endswith(".py") and read(n).strip() and not read(n).lstrip().startswith(('"""', "'''"))]
    assert not bad, "no first comment that says what the file owns: %s" % bad


def test_headers_are_guarded():
    bad = [n for n in SOURCES if n.endswith(".h") and not re.search(r"#ifndef (MF_\w+)\n#define \1\n", read(n))]
    assert not bad, bad


def texts():
    return [n for n in FILES if n.endswith((".c", ".h", ".py", ".pyi", ".toml", ".md", ".build", ".options", ".txt", ".sh")) or "." not in os.path.basename(n)]


def test_nothing_is_unfinished():
    bad = ["%s:%d %s" % (n, i, line.strip()) for n in texts() if n.startswith(("src/", "tests/", "bench/", "fuzz/", "examples/", "include/"))
           for i, line in enumerate(read(n).splitlines(), 1) if UNFINISHED.search(line)]
    assert not bad, "\n".join(bad)


def test_no_path_of_a_machine():
    bad = ["%s:%d %s" % (n, i, line.strip()) for n in texts() for i, line in enumerate(read(n).splitlines(), 1) if MACHINE.search(line)]
    assert not bad, "\n".join(bad)
