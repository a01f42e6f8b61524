"""An import from a .pyc file, which midflight reads itself together with the source, must be the interpreter's own import: the
same program with and without it, everything that can be seen compared; and the text that it notes must be what was loaded."""

import os
import py_compile
import subprocess
import textwrap

import pytest
from helpers import PYTHON, finish, write

# How the .pyc files are made.
PREPARE = {
    "fresh": lambda path: py_compile.compile(path, doraise=True),
    "none": lambda path: None,
    "checked by hash": lambda path: py_compile.compile(path, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH),
    "unchecked": lambda path: py_compile.compile(path, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH),
    "stale": lambda path: (py_compile.compile(path, doraise=True), os.utime(path, (1_000_000_000, 1_000_000_000))),
    "cut short": lambda path: cut(py_compile.compile(path, doraise=True)),
    "of nobody": lambda path: spoil(py_compile.compile(path, doraise=True)),
    "compiled elsewhere": lambda path: py_compile.compile(path, dfile="/elsewhere/x.py", doraise=True),
}
FILES = {
    "plain.py": "def deep():\n    return 1 / 0\nhere = (__name__, __file__.rpartition('/')[2], type(__loader__).__name__, __spec__.name, __package__)\n",
    "fails.py": "import plain\nplain.deep()\n",
    "lacks.py": "import plain\nimport nowhere_at_all\n",
    "leaves.py": "raise SystemExit(3)\n",
    "pkg/__init__.py": "from . import part\n__all__ = ['part']\n",
    "pkg/part.py": "import pkg\nhere = pkg.__name__\n",
    "looks.py": "import sys\ndepth = []\nframe = sys._getframe()\nwhile frame:\n    depth.append(frame.f_code.co_name)\n    frame = frame.f_back\nimport warnings\nwarnings.warn('from here', stacklevel=2)\n",
}
MAIN = """
import linecache, sys, traceback
events = []
{start}
def say(name):
    try:
        module = __import__(name, fromlist=["x"])
    except BaseException:
        traceback.print_exc()
        print(name in sys.modules)
        return None
    print({{key: value for key, value in vars(module).items() if isinstance(value, (str, tuple))}})
    print(sorted(vars(module)), sorted(vars(module.__loader__)))
    print(*[code.co_filename for code in (getattr(value, "__code__", None) for value in vars(module).values()) if code])
    return module
def main():
{body}
main()
"""
BODIES = {
    "plain": "say('plain'); say('pkg'); say('pkg.part')",
    "tracebacks": "say('fails'); say('lacks'); say('leaves')",
    "warning": "import warnings; warnings.simplefilter('always'); say('looks')",
    "frames seen": "import looks; print([name for name in looks.depth if 'exec' not in name])",
    "again": "one = say('plain'); del sys.modules['plain']; two = say('plain'); print(one is two)",
    "reload": "import importlib; one = say('plain'); print(importlib.reload(one) is one, one.here)",
    "patched class": """
    import importlib.machinery as m
    old = m.SourceFileLoader.get_code
    def get_code(self, name):
        print('get_code', name)
        return old(self, name)
    m.SourceFileLoader.get_code = get_code
    say('plain')
    """,
    "patched data": """
    import importlib.machinery as m
    old = m.SourceFileLoader.get_data
    m.SourceFileLoader.get_data = lambda self, path: (print(path.rpartition('/')[2]), old(self, path))[1]
    say('plain')
    """,
    "audit": """
    def hook(event, args):
        if event in ('exec', 'compile'):
            events.append((event, getattr(args[0], 'co_name', None)))
        elif event == 'open' and str(args[0]).endswith('.pyc'):
            events.append((event, args[0].rpartition('/')[2], *args[1:]))
        elif event == 'import':
            events.append((event, args[0]))
    sys.addaudithook(hook)
    say('plain'); say('pkg')
    seen = list(events)
    print(*seen, sep='\\n')
    """,
    "audit that forbids": """
    def hook(event, args):
        if event == 'open' and str(args[0]).endswith('.pyc') and 'plain' in args[0]:
            raise PermissionError('not this one')
    sys.addaudithook(hook)
    say('plain')
    """,
    "profile": """
    calls = []
    sys.setprofile(lambda frame, event, arg: calls.append(frame.f_code.co_name) if 'plain.py' in frame.f_code.co_filename else None)
    import plain
    sys.setprofile(None)
    print(calls)
    """,
    "by hand": """
    import importlib.util
    spec = importlib.util.find_spec('plain')
    module = importlib.util.module_from_spec(spec)
    module.__name__ = 'other'
    try:
        spec.loader.exec_module(module)
    except ImportError as error:
        print(error)
    """,
    "lazy": """
    import importlib.util
    spec = importlib.util.find_spec('plain')
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules['plain'] = module
    spec.loader.exec_module(module)
    print(module.here)
    """,
}
START = "import midflight; midflight.start(roots=[sys.path[0]])"


def cut(path):
    with open(path, "r+b") as stream:
        stream.truncate(60)


def spoil(path):
    with open(path, "r+b") as stream:
        stream.write(b"\0\0\0\0")


def outcome(folder, body, start, way):
    write(folder, FILES)
    text = textwrap.dedent(body) if "\n" in body else body.replace("; ", "\n")
    (folder / "app.py").write_text(MAIN.format(start=start, body=textwrap.indent(text, "    ")))
    for path in folder.rglob("*.py"):
        PREPARE[way](str(path))
    return tuple(str(part).replace(str(folder), "/x") for part in finish([*PYTHON, "app.py"], folder))


@pytest.mark.parametrize("name", BODIES)
def test_same(tmp_path, name):
    wanted = outcome(tmp_path / "plain", BODIES[name], "", "fresh")
    got = outcome(tmp_path / "under", BODIES[name], START, "fresh")
    assert got == wanted
    assert wanted[0] == "0" and wanted[1]


@pytest.mark.parametrize("way", PREPARE)
def test_same_from_any_file(tmp_path, way):
    body = BODIES["plain"] + "; " + BODIES["tracebacks"]
    wanted = outcome(tmp_path / "plain", body, "", way)
    got = outcome(tmp_path / "under", body, START, way)
    assert got == wanted


NOTED = """
import os, sys
import midflight
midflight.start(roots=[sys.path[0]])
import part
def edit(text):
    with open(os.path.realpath(part.__file__), "w") as stream:
        stream.write(text)
keep = part.f
edit("A = 1\\ndef f():\\n    return 'new'\\n")
report = midflight.update(part.__file__)
print(report.outcome, keep(), part.f is keep)
print(report)
"""


@pytest.mark.parametrize("way", sorted(PREPARE.keys() - {"cut short"}))
@pytest.mark.parametrize("link", [False, True])
def test_text_is_noted(tmp_path, way, link):
    """An edit after such an import is one function, and not the whole module: the old text is known."""
    write(tmp_path, {"app.py": NOTED})
    place = tmp_path / ("real" if link else "part.py")
    place.write_text("A = 1\ndef f():\n    return 'old'\n")
    if link:
        (tmp_path / "part.py").symlink_to(place)
    PREPARE[way](str(tmp_path / "part.py"))
    rc, out, err = finish([*PYTHON, "app.py"], tmp_path)
    assert (rc, err) == (0, "")
    assert out.splitlines()[0] == "committed new True"
    changes = out.splitlines()[1].partition("part.py")[2].split()
    assert changes[0] == "~f" and not changes[1].startswith(("~", "+", "-")), out


def test_embedder_who_checks_files(tmp_path):
    """Where a hook sees every file that is opened as code, it sees the .pyc files too: this needs an interpreter of our own."""
    write(tmp_path, FILES)
    py_compile.compile(str(tmp_path / "plain.py"), doraise=True)
    source = """
    import ctypes, io, os, sys
    sys.path.insert(0, '.')
    seen = []
    HOOK = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object, ctypes.c_void_p)
    class Missing:
        def __enter__(self):
            raise FileNotFoundError
        def __exit__(self, *_):
            pass
    def opened(path, data):
        seen.append(path)
        return io.FileIO(path) if os.path.exists(path) else Missing()      # ctypes lets no exception out
    hook = HOOK(opened)
    ctypes.pythonapi.PyFile_SetOpenCodeHook.argtypes = [HOOK, ctypes.c_void_p]
    assert ctypes.pythonapi.PyFile_SetOpenCodeHook(hook, None) == 0
    import midflight
    midflight.start(roots=['.'])
    import plain
    assert any('plain' in path and path.endswith('.pyc') for path in seen), seen
    sys.stdout.flush()
    os._exit(0)
    """
    done = subprocess.run([*PYTHON, "-c", textwrap.dedent(source)], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
