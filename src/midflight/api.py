"""The calls that a program makes: the only caller of the engine.

Owns: whether midflight has been started here, and the rules in force. In: paths, sources, modules, as people give them.
Out: reports. Nothing here raises for a rejected update but `reload`, which has to.
"""

import os
import threading  # noqa: F401  its first importer becomes the "main thread": that must not be staged code

from . import _engine, hooks
from .report import Report
from .rules import Rules

UPDATE, DRY_RUN, PLAN = range(3)
_rules = None            # the Rules in force; None until start()
_given = {}              # what start() has been given so far
_main = None             # the main script, where the launcher knows better than sys.modules
_program = None          # ("file", path) or ("module", name) of a main module that the launcher has not loaded yet
_journal = None          # the Journal in force
_reapplied = None        # the Reapply of this start: what the journal has brought in


def start(roots=None, **settings):
    """Keep baselines from now on, of modules that are loaded already too.

    Call it before the program's first import, that is when it can know most. Calling it again is harmless; with
    settings it changes those. Starts no watcher: see watch(). The settings are those of [tool.midflight].
    """
    if roots is not None:
        settings["roots"] = [roots] if isinstance(roots, (str, os.PathLike)) else list(roots)
    if _rules is None or settings:
        _configure({**_given, **settings})
    if not _rules.settings["disabled"]:
        _engine.start()
        if _rules.settings["journal"] is not None and _journal is None:
            from .hotfix.lifecycle import open_journal

            open_journal(_rules.settings["journal"])
        if _rules.settings["agent"] and _engine.agent_path() is None:
            _open_door()


def _open_door():
    """MIDFLIGHT_AGENT=1, or agent = true. The program goes on where that fails."""
    from . import agent

    try:
        agent.start()
    except OSError as error:
        hooks.dispatch({"outcome": "note", "text": f"this process cannot be reached: {error}"})


def _configure(given):
    global _rules, _given
    rules = Rules(given, _main)
    if _rules is not None:
        if _rules.settings["mode"] == "prod":
            rules.settings["mode"] = "prod"            # there is no way back while the process lives
        rules.settings["control"] = rules.settings["control"] and _rules.settings["control"]
    _engine.configure(rules.for_engine())
    _engine.set_listener(hooks.dispatch)
    _rules, _given = rules, given


def rules():
    """The rules in force; starts midflight where nobody has."""
    if _rules is None:
        start()
    return _rules


def _run(mode, paths, sources):
    rules()
    hooks.load_plugins()
    if hold._depth and mode == UPDATE and paths is None and sources is None:
        hold._everything = True
    return Report(_engine.update(_paths(paths), _sources(sources), mode))


def update(paths=None, *, sources=None, dry_run=False):
    """Bring the process to the new source, all of it or nothing; returns a Report, also for a rejected update.

    paths: these files and all that is pending; None: every file of the program's own modules that differs.
    sources: {"pkg.mod": text, bytes or code object}, for programs without files.
    dry_run: stage and check, then drop it; runs what the edit makes run, and takes it back.
    """
    return _run(DRY_RUN if dry_run else UPDATE, paths, sources)


def plan(paths=None, *, sources=None):
    """What update() would do, step by step; runs nothing."""
    return _run(PLAN, paths, sources)


def undo(to=None, *, dry_run=False):
    """Update back to the source before the last update, or before number `to`, with the data that it replaced."""
    rules()
    if to is not None and not isinstance(to, int):
        raise TypeError(f"to is the number of an update, not {type(to).__name__}")
    before = set(chain())
    report = Report(_engine.undo(to, DRY_RUN if dry_run else UPDATE))
    after = set(chain())
    if before != after:
        from .hotfix.lifecycle import undone

        undone(before - after, after - before)
    return report


def hotfix(given, id=None, dry_run=False, permanent=False, *, probation=None, health=None, by=None):
    """Apply a fix: a unified diff, edited modules ({name: source}) or a script; text, or a path. Returns a Report.

    dry_run: say what it would do. permanent: the journal in force has it at every start from now on; without it, until
    confirm(id). probation: taken back by itself unless it is confirmed within so many seconds, or health() fails
    (raises, or returns False) before. by: who sends it, for the journal. ValueError for what is no hotfix at all.
    """
    from .hotfix.fix import read
    from .hotfix.lifecycle import send

    rules()
    return send(read(given, id=id), dry_run, permanent, probation, health, by)


def release(data, dry_run=False, *, health=None, by=None):
    """Apply a signed release (bytes); what it may do is in it. Returns a Report, for one that is refused too."""
    from .hotfix.lifecycle import send_release

    rules()
    return send_release(data, dry_run, health, by)


def confirm(id, by=None):
    """A hotfix that runs is to stay: every start of the program has it from now on. JournalError where it cannot."""
    from .hotfix.lifecycle import confirm

    confirm(id, by)


def retire(id, why="retired", by=None):
    """No start of the program has this hotfix any more; what runs now is as it was."""
    from .hotfix.lifecycle import retire

    retire(id, why, by)


def take_back(id, by=None):
    """Undo one hotfix, with all that was committed on top of it, and have no start of the program have it. A Report."""
    from .hotfix.lifecycle import take_back

    rules()
    return take_back(id, by)


def can_be_controlled():
    """Was midflight built with hotfixes and an agent (-Dcontrol=true)?"""
    return _engine.CONTROL


def assume(path, text, layer=None):
    """The module of this file will be loaded from this text; layer: what that has over the file, see hotfix/layers.py."""
    from .hotfix.layers import settle

    layers(settle)
    _engine.assume(path, text, layer)


def inside_imports(delta):
    """+1: updates are made inside an import too, until -1."""
    _engine.inside_imports(delta)


def mended(path):
    """(text, layer) with which hotfixes of the journal replace the text of this file at the start, or None."""
    return None if _reapplied is None else _reapplied.texts.get(path)


def chain():
    """The numbers of the updates that are live and can be undone, oldest first."""
    return _engine.status()["chain"]


def running():
    """What the process runs: module name -> (path, text or None if it is not known)."""
    rules()
    return _engine.texts()


def layers(settle):
    """Path -> layer: what hotfixes have put over the files; settle is asked when one of those is saved."""
    _engine.set_layering(settle)
    return _engine.layers()


def apply_sources(sources, mode, extra):
    """For hotfixes: an update of these modules' texts alone, in the report's words `extra` too."""
    rules()
    hooks.load_plugins()
    return Report(_engine.update([], _sources(sources), mode, extra))


def run_script(steps, space, reach, pair, settle, mode, extra):
    """For hotfixes: a script, see hotfix/scripts.py."""
    rules()
    return Report(_engine.script(steps, space, reach, pair, settle, mode, extra))


def refuse(reasons, mode, extra):
    """For hotfixes: a rejected update, in the history as any other. reasons: (code, text, file or None, line)."""
    rules()
    return Report(_engine.refuse(reasons, mode, extra))


def agent_open(folder, name, hello, handler):
    """For the agent: a socket there; handler(line, waited_ms, client, here) for each line, hello for who comes."""
    rules()
    _engine.agent_open(folder, name, hello, handler)


def agent_close():
    _engine.agent_close()


def agent_send(client, line):
    """To a client that asked for events; False: it is gone."""
    return _engine.agent_send(client, line)


def agent_path():
    """The socket's path, or None."""
    return _engine.agent_path()


def interpreter():
    """The number of this interpreter in its process: 0 of the main one."""
    return _engine.interpreter()


def watch(paths=None):
    """Update by itself when a file under the roots (or under these paths) is saved."""
    in_force = rules()
    if not in_force.settings["disabled"]:
        _engine.watch(in_force.roots if paths is None else _paths(paths), in_force.settings["poll"])


def unwatch():
    """End what watch() began."""
    _engine.unwatch()


def watching():
    """How files are watched ("inotify", "poll"), or None."""
    return _engine.watching()


def track(path, fn):
    """Call fn(path) when this data file changes; None ends it."""
    if fn is not None and not callable(fn):
        raise TypeError(f"fn must be callable, not {type(fn).__name__}")
    rules()
    _engine.track(_path(path), fn)


class hold:
    """`with midflight.hold():` nothing is committed inside; what was asked for goes in at its end.

    With safepoint = "poll" it waits for the next poll() all the same.
    """

    _depth = 0               # of all threads together, as the engine counts
    _everything = False      # update() without paths was asked for meanwhile

    def __enter__(self):
        hold._depth = _engine.hold(1)
        return self

    def __exit__(self, *_):
        hold._depth = _engine.hold(-1)
        if hold._depth == 0 and rules().settings["safepoint"] != "poll":
            everything, hold._everything = hold._everything, False
            if everything:
                update()
            else:
                _engine.poll(-1)


def poll(budget_ms=None):
    """Commit here what waits, for programs that choose the moment; the Report, or None where nothing waited."""
    rules()
    if hold._everything and hold._depth == 0:
        hold._everything = False
        return update()
    data = _engine.poll(-1 if budget_ms is None else max(1, int(budget_ms * 1000)))
    return None if data is None else Report(data)


def status():
    """What is live, pending and watched, and who still runs older code, as a dict."""
    in_force = rules()
    return {**_engine.status(), "watching": _engine.watching(), "roots": list(in_force.roots), "disabled": in_force.settings["disabled"],
            "journal": None if _journal is None else _journal.folder,
            "hotfixes": [] if _journal is None else [item.to_dict() for item in _journal.hotfixes()]}


def history():
    """The Reports of the last updates, oldest first."""
    return [Report(data) for data in _engine.history()]


def supported():
    """None where updates work, else the reason why every one will be rejected."""
    return _engine.supported()


def reload(module):
    """In place of importlib.reload: the new source takes effect wherever the module's names have gone.

    Raises what the new source raises, and then nothing has changed. Returns the module.
    """
    from .reloading import reload

    return reload(module)


def _paths(paths):
    if paths is None:
        return None
    if isinstance(paths, (str, os.PathLike)):
        return [_path(paths)]
    return [_path(path) for path in paths]


def _path(path):
    path = os.fspath(path)
    if not isinstance(path, str):
        path = os.fsdecode(path)
    return os.path.abspath(path)


def _sources(sources):
    if sources is None:
        return None
    out = {}
    for name, source in dict(sources).items():
        if not isinstance(name, str):
            raise TypeError(f"sources: names of modules are str, not {type(name).__name__}")
        if not isinstance(source, (str, bytes, type(_sources.__code__))):
            raise TypeError(f"sources: {name}: text, bytes or a code object, not {type(source).__name__}")
        out[name] = source
    return out
