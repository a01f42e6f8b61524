"""A hotfix script: compiled, run aside by the engine, and its changes judged.

Owns: what the differences that a script leaves mean. In: a Hotfix of form "script". Out: a Report, and for the engine
the functions that change places and the writes that make the script live.

The engine runs the statements one by one, with copies of what each can reach, then takes everything back. Here it is
decided which function or class a new one replaces: it does if it is assigned where the old one is at home (module and
qualified name say so; a name that only holds a copy of a definition of somewhere else is a name). A replaced function
is redefined in place: the two function objects exchange their contents, so whoever holds the old one runs the fix, and
whatever of the script holds the old one (a wrapper) goes on calling what it called. Everything else is written as the
script wrote it. The commit is one step of C code, with an undo log; taking it back is the same step the other way.
"""

import __future__

import ast
import linecache
import re
import sys
import types

from .. import api
from .scripts_reach import Reach, imported, names_of
from .scripts_judge import Judge

_INTERNAL = ("__code__", "__defaults__", "__kwdefaults__", "__closure__", "__bases__", "__class__", "__dict__", "__mro__")


def apply(fix, mode, extra):
    """Run it, see what it changes, commit that; or say why not."""
    file = f"<hotfix {fix.id}>"
    try:
        tree = compile(fix.text, file, "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
        steps = _steps(tree, file)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 0
        return api.refuse([(401, f"{type(error).__name__}: {getattr(error, 'msg', None) or error}", file, line)], mode, extra)
    reasons = [(605, text, file, line) for line, text in _internals(tree)]
    if not steps and not reasons:
        reasons = [(605, "the script has no statement: there is nothing to apply", file, 0)]
    if reasons:
        return api.refuse(reasons, mode, extra)
    return _run(fix, tree, steps, file, mode, extra)


def _run(fix, tree, steps, file, mode, extra):
    module = types.ModuleType("hotfix_" + re.sub(r"\W", "_", fix.id))
    module.__file__ = file
    space = vars(module)
    space["__builtins__"] = __builtins__
    before = sys.modules.get(module.__name__)
    reach = Reach(space, names_of(tree), imported(tree))
    judge = Judge(fix, file, module, before, mode != api.UPDATE)
    sys.modules[module.__name__] = module
    lines = linecache.cache.get(file)
    linecache.cache[file] = (len(fix.text), None, fix.text.splitlines(keepends=True), file)
    report = None
    try:
        report = api.run_script(steps, space, reach.objects, judge.pairs, judge.settle, mode, extra)
    finally:
        if report is None or report.outcome != "committed":
            _put_back(sys.modules, module.__name__, before)
            if mode != api.UPDATE:
                _put_back(linecache.cache, file, lines)
    return report


def _put_back(where, key, value):
    if value is None:
        where.pop(key, None)
    else:
        where[key] = value


def _steps(tree, file):
    """One code object per statement, with the flags of the script's own __future__ imports."""
    flags = 0
    body = list(tree.body)
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            for alias in node.names:
                feature = getattr(__future__, alias.name, None)
                if feature is None:
                    raise SyntaxError(f"future feature {alias.name} is not defined", (file, node.lineno, None, None))
                flags |= feature.compiler_flag
            body.remove(node)
    compile(ast.Module(body, []), file, "exec", flags, dont_inherit=True)       # what is wrong between statements
    return [compile(ast.Module([node], []), file, "exec", flags, dont_inherit=True) for node in body]


def _internals(tree):
    """Writes that no comparison of names sees, and that would not be atomic: they have a better form."""
    for node in ast.walk(tree):
        targets = ()
        if isinstance(node, (ast.Assign, ast.Delete)):
            targets = node.targets
        elif isinstance(node, (ast.AugAssign, ast.AnnAssign)):
            targets = (node.target,)
        for target in targets:
            if isinstance(target, ast.Attribute) and target.attr in _INTERNAL:
                yield node.lineno, (f"the script writes {target.attr}: assign the whole function or class to its name instead; "
                                    "it is redefined in place, and everybody who holds it runs the new one")
