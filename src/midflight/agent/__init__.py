"""The agent: how a live process is reached by `midflight attach`, `status`, `update` ...

Owns: the protocol (JSON-RPC 2.0, one message per line), which methods there are and what each may do. In: lines that
the engine's thread has read from the socket. Out: answers, events. The engine decides where a call runs (its setting
`safepoint`); what only looks may run anywhere, also while a change runs at its safe point. methods.py: what each does; calls.py: what a call may
carry; newborn.py: what workers get that are born later.
"""

import atexit
import json
import os
import sys
import time
from _thread import get_ident

from .. import api, hooks
from ..attach import places
from ..errors import ConfigurationError, JournalError
from . import methods
from .calls import LATE, PARAMETERS, REFUSED, Refused, take

PROTOCOL = 1
PARSE, INVALID, NO_METHOD, INTERNAL = -32700, -32600, -32601, -32603
_BATCH, _STRIKES = 50, 8
_serving = False
_started = time.time()
_listeners = set()       # clients that asked for events
_strikes = {}            # client -> lines of it that made no sense
_asking = {}             # thread -> client whose request it answers


# ---- the socket


def start(name=None):
    """Open the door; harmless when it is open. Returns the socket's path, None where midflight is switched off.

    OSError where it cannot be opened (its text says why): the program can go on without.
    """
    global _serving
    settings = api.rules().settings
    if settings["disabled"] or not settings["control"] or not api.can_be_controlled():
        return None
    if api.agent_path() is not None and name is None:
        return api.agent_path()
    methods.name = name or methods.name or api.rules().settings["name"] or _program()
    if not _serving:
        methods.begin_as_child()
    _open()
    if not _serving:
        _serving = True
        os.register_at_fork(after_in_child=_again)
        atexit.register(api.agent_close)
        hooks.on("update", _tell_report)
        hooks.on("note", _tell_note)
    return api.agent_path()


def stop():
    """Close it; nothing is left in the file system."""
    global _serving
    _serving = False
    api.agent_close()


def _open():
    folder = places.own()
    places.sweep(folder)
    greeting = {"jsonrpc": "2.0", "method": "hello", "params": hello({})}
    api.agent_open(folder, places.socket_name(os.getpid(), api.interpreter()), json.dumps(greeting).encode(), handle)


def _again():
    """In the child of a fork: a door of its own."""
    if not _serving:
        return
    _listeners.clear()
    _strikes.clear()
    _asking.clear()
    try:
        _open()
    except OSError as error:
        hooks.dispatch({"outcome": "note", "text": f"process {os.getpid()} cannot be reached: {error}"})


def _program():
    """A name for people: of the script, or of the package that `-m` runs."""
    main = api._main or getattr(sys.modules.get("__main__"), "__file__", None) or (sys.argv[0] if sys.argv else "")
    stem, end = os.path.splitext(os.path.basename(main))
    if stem in ("__main__", "__init__"):
        stem = os.path.basename(os.path.dirname(os.path.abspath(main)))
    return (stem if end in (".py", ".pyw", ".pyc", "") else stem + end) or "python"


# ---- the protocol


def handle(line, waited_ms, client, here):
    """The engine's handler: (answer or None, may the client stay); None alone: only where the program allows it."""
    try:
        asked = json.loads(line)
    except (ValueError, RecursionError) as error:
        return _strike(client, _error(None, PARSE, f"no JSON: {error}"))
    calls = asked if isinstance(asked, list) else [asked]
    if not calls or len(calls) > _BATCH:
        return _strike(client, _error(None, INVALID, f"a batch has 1 to {_BATCH} calls"))
    if not here and any(isinstance(call, dict) and call.get("method") in methods.AT_SAFE_POINT for call in calls):
        return None
    _asking[get_ident()] = client
    answers = [answer for answer in (_answer(call, waited_ms) for call in calls) if answer is not None]
    _asking.pop(get_ident(), None)
    text = None
    if answers:
        text = json.dumps(answers if isinstance(asked, list) else answers[0], default=repr).encode()
    if any("error" in answer and answer["error"]["code"] in (INVALID, NO_METHOD, PARAMETERS) for answer in answers):
        return _strike(client, text)
    return text, True


def _strike(client, text):
    """Who goes on sending what makes no sense is let go."""
    if len(_strikes) > 64:
        _strikes.clear()
    _strikes[client] = _strikes.get(client, 0) + 1
    return (text if isinstance(text, bytes) or text is None else json.dumps(text).encode()), _strikes[client] < _STRIKES


def _error(id, code, text, ours="MF680"):
    return {"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": text, "data": {"code": ours}}}


def _answer(call, waited_ms):
    if not isinstance(call, dict) or call.get("jsonrpc") != "2.0" or not isinstance(call.get("method"), str):
        return _error(None, INVALID, 'a call is {"jsonrpc": "2.0", "id": ..., "method": "...", "params": {...}}')
    id, params = call.get("id"), call.get("params", {})
    if not isinstance(id, (str, int, float, type(None))):
        return _error(None, INVALID, "an id is a number or a text")
    method = METHODS.get(call["method"])
    if method is None:
        answer = _error(id, NO_METHOD, f"no method {call['method'][:100]!r}; there are: {', '.join(sorted(METHODS))}")
    elif not isinstance(params, dict):
        answer = _error(id, PARAMETERS, "params is an object")
    else:
        answer = _called(id, method, dict(params), waited_ms)
    return answer if "id" in call else None


def _called(id, method, params, waited_ms):
    try:
        within = params.pop("within_ms", None)
        if within is not None and (isinstance(within, bool) or not isinstance(within, (int, float))):
            raise Refused("within_ms is a number", PARAMETERS)
        if within is not None and waited_ms > within:
            raise Refused(f"not begun within {within:g} ms, nothing was done: the process was busy for {waited_ms:.0f} ms", LATE, "MF681")
        return {"jsonrpc": "2.0", "id": id, "result": method(params)}
    except Refused as refused:
        return _error(id, refused.code, str(refused), refused.ours)
    except JournalError as error:
        return _error(id, REFUSED, str(error), error.code)
    except (ConfigurationError, ValueError) as error:
        return _error(id, PARAMETERS, str(error))
    except Exception as error:
        return _error(id, INTERNAL, f"{type(error).__name__}: {error}", "MF682")


# ---- events


def _send(message):
    line = json.dumps({"jsonrpc": "2.0", **message}, default=repr).encode()
    for client in list(_listeners):
        if not api.agent_send(client, line):
            _listeners.discard(client)


def _tell_report(report):
    if _listeners:
        _send({"method": "update", "params": report.to_dict()})


def _tell_note(text):
    if _listeners:
        _send({"method": "note", "params": {"text": text}})


# ---- what can be asked


def hello(params):
    """Who this is, and which protocol and methods it has. Sent to everybody who connects, too."""
    take(params)
    from .. import __version__

    return {"protocol": [PROTOCOL], "midflight": __version__, "python": "%d.%d.%d" % sys.version_info[:3], "pid": os.getpid(),
            "parent": os.getppid(), "interpreter": api.interpreter(), "name": methods.name, "argv": list(getattr(sys, "orig_argv", sys.argv)),
            "started": _started, "mode": methods.mode(), "capabilities": sorted(METHODS)}


def listen(params):
    """From now on this client hears of every update."""
    take(params)
    _listeners.add(_asking[get_ident()])
    return {"listening": True}


def from_where(params):
    """A frame of the main thread, for who asks why a process does not answer."""
    take(params)
    import threading

    frame = sys._current_frames().get(threading.main_thread().ident)
    return {"main": f"{frame.f_code.co_qualname} ({frame.f_code.co_filename}:{frame.f_lineno})" if frame else None}


METHODS = {"hello": hello, "listen": listen, "where": from_where, **methods.CALLS}
