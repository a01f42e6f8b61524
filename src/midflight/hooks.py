"""Who wants to know about updates: listeners, plug-ins, the logger `midflight`.

Owns: the lists of listeners and the order in which they hear of a report. In: the dict that the engine hands over after
each update, watched ones too. Out: calls; a listener that fails is reported and never stops the next one.
Listeners stand in plain lists: a module that registers one and is updated is registered once, as with any list.
"""

import sys

from .report import Report

EVENTS = ("committed", "rejected", "rolled back", "skipped", "update", "note")
_listeners = {event: [] for event in EVENTS}
_plugins_loaded = False


def on(event, fn=None):
    """Call fn(report) after each update that ends so; "update" is every one.

    "note" calls fn(text), with what the watcher has to say. Works as a decorator too: @midflight.on("committed"). The same function is registered once. Returns fn.
    """
    if event not in _listeners:
        raise ValueError(f"no event is called {event!r}; events are " + ", ".join(map(repr, EVENTS)))
    if fn is None:
        return lambda fn: on(event, fn)
    if not callable(fn):
        raise TypeError(f"a listener must be callable, not {type(fn).__name__}")
    if not _registered(_listeners[event], fn):
        _listeners[event].append(fn)
    return fn


def off(event, fn):
    """Take a listener back; one that is not there is no error."""
    _listeners[event][:] = [other for other in _listeners[event] if not _same(other, fn)]


def dispatch(data):
    """The engine's listener: data is a report's dict, or a note's."""
    load_plugins()
    if "logging" not in sys.modules and not any(_listeners.values()):
        return
    if data.get("outcome") == "note":
        text = data.get("text", "")
        _log("INFO", text)
        _call("note", text)
        return
    report = Report(data)
    _log("INFO" if report.outcome in ("committed", "skipped") else "WARNING", report)
    _call(report.outcome, report)
    _call("update", report)


def load_plugins():
    """Entry points of the group midflight.plugins, once: each names a callable that gets the package."""
    global _plugins_loaded
    if _plugins_loaded:
        return
    _plugins_loaded = True
    if not _plugins_installed():
        return
    from importlib.metadata import entry_points

    import midflight

    for point in entry_points(group="midflight.plugins"):
        try:
            setup = point.load()
            if callable(setup):
                setup(midflight)
        except Exception as error:
            _failed(f"plug-in {point.name}", error)


def _plugins_installed():
    """importlib.metadata is slow to import: look first whether anybody names our group."""
    import os

    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")
        except OSError:
            if os.path.isfile(folder):         # an archive; sys.path names one of the interpreter's that mostly is not there
                return True
            continue
        for name in names:
            if name.endswith((".dist-info", ".egg-info")):
                try:
                    with open(os.path.join(folder, name, "entry_points.txt"), "rb") as file:
                        if b"midflight.plugins" in file.read():
                            return True
                except OSError:
                    pass
    return False


def _call(event, value):
    for fn in list(_listeners.get(event, ())):
        try:
            fn(value)
        except Exception as error:
            _failed(f"listener for {event!r} {getattr(fn, '__qualname__', fn)!s}", error)


def _failed(who, error):
    """As the interpreter reports what nobody can catch, with our words in front."""
    import traceback

    stream = sys.stderr
    if stream is not None:
        try:
            stream.write(f"midflight       {who} failed:\n" + "".join(traceback.format_exception(error)))
        except (OSError, ValueError):
            pass


def _log(level, what):
    logging = sys.modules.get("logging")       # a program that does not use it has no handler for us either
    if logging is None or not hasattr(logging, "getLogger"):
        return
    logger = logging.getLogger("midflight")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    number = logging.getLevelName(level)
    if logger.isEnabledFor(number):
        logger.log(number, "%s", what.to_json() if isinstance(what, Report) else what)


def _registered(listeners, fn):
    return any(_same(other, fn) for other in listeners)


def _same(one, other):
    """Identity, and for bound methods that of object and function: never the program's own __eq__."""
    if one is other:
        return True
    owner = getattr(one, "__self__", None)
    if owner is None or owner is not getattr(other, "__self__", None) or type(one) is not type(other):
        return False
    parts = [getattr(fn, "__func__", None) or getattr(fn, "__name__", fn) for fn in (one, other)]
    return parts[0] is parts[1] or (isinstance(parts[0], str) and parts[0] == parts[1])
