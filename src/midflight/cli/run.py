"""`midflight run`: a launcher that a program cannot tell from `python`.

Owns: __main__, sys.argv and sys.path[0] of the program; the way its last exception leaves. In: options, the program and
its arguments. Out: the program's own end: its SystemExit, its exception (our frames hidden), its Ctrl-C, all left to
the interpreter, which knows best what exit code and which signal they mean.
"""

import builtins
import os
import runpy
import sys
from importlib.machinery import SourceFileLoader, SourcelessFileLoader
from types import ModuleType

from .. import api
from ..errors import ConfigurationError, EngineError, JournalError
from . import WRONG_CALL
from .output import Output

_OURS = (os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep, runpy.__file__, "<frozen runpy>")
_kept = []              # the launcher's own __main__, so that its namespace outlives the program


def run(options, program):
    """Start midflight, then the program; returns only where it came to its end without any exception."""
    app, arguments = program[0], program[1:]
    output = Output(verbose=options.verbose, quiet=options.quiet, json=options.json)
    sys.argv[:] = [app, *arguments]
    if options.agent:
        from .. import agent  # noqa: F401  what it imports is the standard library's, not the program's
    try:
        kind = _kind(app, options.module is not None)
        folder = _set_first_folder(app, kind)
        early = kind in ("file", "stdin")          # compiling runs nothing; a package's imports shall find us started
        loaded = _LOAD[kind](app) if early else None
        _start(options, output, app, kind)
        code, module = loaded or _LOAD[kind](app)
        code = _mended(code, module) if kind == "file" else code
        _make_room(folder)
    except (ConfigurationError, JournalError) as error:
        output.error(str(error))
        return WRONG_CALL
    except OSError as error:
        output.error(f"can't open file {_absolute(app)!r}: [Errno {error.errno}] {error.strerror}")
        return WRONG_CALL
    except SystemExit:
        raise
    except BaseException as error:           # a syntax error, or a package that fails while it is imported
        _hide_our_frames(error)
        raise
    _kept.append(sys.modules.get("__main__"))
    sys.modules["__main__"] = module
    namespace = module.__dict__
    del module
    try:
        exec(code, namespace)
    except SystemExit:
        raise
    except BaseException as error:
        _hide_our_frames(error)
        raise
    return None


def _mended(code, module):
    """The main script's code with the permanent hotfixes of the journal."""
    path = module.__dict__.get("__file__")
    mended = api.mended(path)
    if mended is None:
        return code
    text, layer = mended
    api.assume(path, text, layer)
    return compile(text, path, "exec", dont_inherit=True)


def _start(options, output, app, kind):
    settings = {"roots": options.root, "journal": options.journal}
    if kind != "stdin":
        api._program = ("file", _absolute(app)) if kind == "file" else ("module", app if kind == "module" else "__main__")
    if options.poll:
        settings["poll"] = True
    if options.module is None:
        api._main = _absolute(app)
    else:
        api._main = _top_of(app.partition(".")[0])
    output.begin()
    api.start(**settings)
    reason = api.supported()
    if reason is not None or api.rules().settings["disabled"]:
        output.started(None, api.rules().roots, reason)
        return
    if options.watch:
        try:
            api.watch()
        except (OSError, EngineError) as error:      # the program runs all the same
            output.note(f"cannot watch: {error}")
    if options.agent and api.rules().settings["agent"] is not False:
        _open_door(output, app, options)
    output.started(api.watching(), api.rules().roots, None)
    if _wants_keys(options):
        from .keys import Keys

        Keys(output).start()


def _open_door(output, app, options):
    from .. import agent

    try:
        agent.start(None if options.module is None else app)
    except OSError as error:                         # the program runs all the same
        output.note(f"this process cannot be reached: {error.filename or ''}: {error.strerror or error}")


def _wants_keys(options):
    if options.keys is None:
        return not options.json and not options.quiet and all(
            stream is not None and _is_terminal(descriptor) for stream, descriptor in ((sys.stdin, 0), (sys.stdout, 1)))
    return options.keys and sys.stdin is not None and _is_terminal(0)


def _is_terminal(descriptor):
    try:
        return os.isatty(descriptor)
    except OSError:
        return False


def _is_application(app):
    """A folder or an archive, that is: something that modules can be imported from?"""
    for hook in sys.path_hooks:
        try:
            hook(_absolute(app))
        except ImportError:
            continue
        return True
    return False


def _kind(app, is_module):
    if is_module:
        return "module"
    return "stdin" if app == "-" else "application" if _is_application(app) else "file"


def _set_first_folder(app, kind):
    """Set sys.path[0] as python does for this kind of program; returns it."""
    if kind == "module":
        folder = os.getcwd()
    elif kind == "stdin":
        folder = ""
    elif kind == "application":
        folder = _absolute(app)
    else:
        folder = os.path.dirname(os.path.realpath(app))
    if not sys.flags.safe_path:
        sys.path[0:1] = [folder]
    elif kind == "application":
        sys.path.insert(0, folder)
    return folder


def _absolute(app):
    return app if os.path.isabs(app) else os.path.join(os.getcwd(), app)


def _top_of(package):
    """Where the top package of a -m module lies, found without running any of it."""
    from importlib.util import find_spec

    try:
        spec = find_spec(package)
    except (ImportError, ValueError, AttributeError):
        return None
    if spec is None:
        return None
    places = list(spec.submodule_search_locations or ())
    return places[0] if places else spec.origin


def _new_main(**attributes):
    main = ModuleType("__main__")
    namespace = main.__dict__
    old = sys.modules.get("__main__")
    if old is not None and "__annotations__" in vars(old):
        namespace["__annotations__"] = {}
    namespace["__builtins__"] = builtins
    namespace.update(attributes)
    return main


def _load_stdin(_):
    source = sys.stdin.buffer.read() if hasattr(sys.stdin, "buffer") else sys.stdin.read()
    return compile(source, "<stdin>", "exec", dont_inherit=True), _new_main(__loader__=None)


def _load_application(_):
    try:
        _, spec, code = runpy._get_main_module_details(runpy._Error)
    except runpy._Error as error:
        sys.exit(f"{sys.executable}: {error}")
    return code, _main_of_spec(spec)


def _load_file(app):
    path = _absolute(app)
    if app.endswith(".pyc"):
        loader = SourcelessFileLoader("__main__", path)
        code = loader.get_code("__main__")
    else:
        with open(path, "rb") as file:
            source = file.read()
        loader = SourceFileLoader("__main__", path)
        code = compile(source, path, "exec", dont_inherit=True)
    return code, _new_main(__loader__=loader, __file__=path, **_cached(None))


def _load_module(name):
    """(code, module) as `python -m` finds them; parent packages are imported here, under midflight already."""
    sys.argv[0] = "-m"
    try:
        name, spec, code = runpy._get_module_details(name, runpy._Error)
    except runpy._Error as error:
        sys.exit(f"{sys.executable}: {error}")
    sys.argv[0] = spec.origin
    return code, _main_of_spec(spec)


def _main_of_spec(spec):
    return _new_main(__file__=spec.origin, __loader__=spec.loader, __package__=spec.parent, __spec__=spec,
                     **_cached(spec.cached))


def _cached(value):
    """Python 3.15 knows no __cached__ any more."""
    return {"__cached__": value} if sys.version_info < (3, 15) else {}


_LOAD = {"module": _load_module, "stdin": _load_stdin, "application": _load_application, "file": _load_file}


def _make_room(folder):
    """Modules of the standard library that we have loaded, and that files of the program stand in front of, are
    forgotten, so that the program's `import` finds its own as it does under `python`."""
    if not folder or not os.path.isdir(folder) or sys.flags.safe_path:
        return
    try:
        own = {name.partition(".")[0] for name in os.listdir(folder)
               if name.endswith(".py") or os.path.isfile(os.path.join(folder, name, "__init__.py"))}
    except OSError:
        return
    for name in own & sys.stdlib_module_names & set(sys.modules) - {"encodings"}:
        origin = getattr(getattr(sys.modules[name], "__spec__", None), "origin", None)
        if origin in (None, "built-in", "frozen") or origin.startswith(folder + os.sep):
            continue
        for loaded in [loaded for loaded in sys.modules if loaded == name or loaded.startswith(name + ".")]:
            del sys.modules[loaded]


def _hide_our_frames(error):
    """The interpreter will show this exception: let it show the program's part of the traceback only.

    sys.excepthook is replaced at the last moment and for one call; until then the program sees its own.
    """
    theirs = error.__traceback__
    while theirs is not None and theirs.tb_frame.f_code.co_filename.startswith(_OURS):
        theirs = theirs.tb_next
    hook = getattr(sys, "excepthook", sys.__excepthook__)

    def show(kind, value, traceback):
        sys.excepthook = hook
        if value is error:
            traceback = value.__traceback__ = sys.last_traceback = theirs
        try:
            hook(kind, value, traceback)
        except SystemExit:
            raise
        except BaseException as failed:      # the interpreter's words for it, without this frame
            failed.__traceback__ = failed.__traceback__.tb_next
            sys.stderr.write("Error in sys.excepthook:\n")
            sys.__excepthook__(type(failed), failed, failed.__traceback__)
            sys.stderr.write("\nOriginal exception was:\n")
            sys.__excepthook__(kind, value, traceback)

    sys.excepthook = show
