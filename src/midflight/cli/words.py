"""The commands on live processes: their options and their help.

Owns: the words. In: the function that adds a command to the parser. Out: the parser, filled.
"""

LIVE_COMMANDS = ("attach", "status", "plan", "update", "hotfix", "undo", "confirm", "retire", "history")
_END = """\
exit code: 0 live, or nothing to do; 2 wrong call; 3 rejected, or refused; 4 rejected for good: only a restart takes this
edit; 5 not reachable, or it did not come to it in time (then nothing was done)

A process can be reached that was started with `midflight run`, that has `import midflight.auto` in its first line, or
that calls midflight.start() with MIDFLIGHT_AGENT=1 in its environment. Only its own user (and root) can.
"""
_STATUS = """\
Say which code a process and its workers run: the last update, every module whose text is not what its file says
now, files that were rejected, calls that still run old code. Without TARGET: the list of processes.
"""
_PLAN = """\
Say what an update would do, step by step. Nothing is run, nothing changes.
"""
_UPDATE = """\
Bring a process, and all its workers, to what the files say. First every process tries it; then all commit; where one
cannot, those that did go back: all run the new source in the end, or none does. Workers that are born
meanwhile get it too.

  midflight update shop                      all files that differ
  midflight update 4711 shop/cart.py         this file, and what was rejected before
  midflight update shop --dry-run            stage and check, then drop it
"""
_HOTFIX = """\
Send a fix into a process and all its workers: all of them, or none. The files stay as they are.

  midflight hotfix shop fix.patch            a unified diff against what runs
  midflight hotfix shop fix.py               a script: it assigns into modules and classes
  midflight hotfix shop fix.json             {"pkg.module": "its whole new source"}
  midflight hotfix shop fix.patch --dry-run  what would it change? (do this first)
"""
_UNDO = """\
Take back the last update or hotfix, in all processes that it went to, with the data that it replaced.
"""
_CONFIRM = """\
A hotfix that runs is to stay: every start of the program has it from now on (where a journal is kept: midflight run
--journal DIR), and a probation ends. Until then a restart comes up without it.

  midflight confirm shop hf-7d7806974846
"""
_RETIRE = """\
No start of the program has this hotfix any more; what runs now goes on. For one that a new release has made
superfluous; `midflight undo` takes back what runs.
"""
_HISTORY = """\
Show the updates of a process, oldest first, and what its journal says where it keeps one.
"""
_ATTACH = """\
Follow the updates of a process as `midflight run` would show them; Ctrl-C leaves, the process goes on. If it has no
agent, one is brought in: on Python 3.14 and later by the interpreter's own means (sys.remote_exec), before that with
gdb, where one is installed and may be used. What the process has imported before is then known from its files: start
it with `midflight run`, or import midflight.auto first, and everything is known.
"""


def add_live_commands(add):
    for name, short, text in (
            ("status", "say which code a process runs", _STATUS), ("plan", "say what an update of a process would do", _PLAN),
            ("update", "update a process and its workers", _UPDATE), ("hotfix", "send a fix into a process", _HOTFIX),
            ("undo", "take the last update or hotfix back", _UNDO), ("confirm", "a hotfix is to stay", _CONFIRM),
            ("retire", "no start has a hotfix any more", _RETIRE), ("history", "show the updates of a process", _HISTORY),
            ("attach", "follow a process; open a door into one that has none", _ATTACH)):
        one = add(name, short, text, epilog=_END)
        one.add_argument("target", metavar="TARGET", nargs="?", help="PID or name; without it: the list of reachable processes")
        one.add_argument("--json", action="store_true", help="the answer as one JSON object (attach: one per event)")
        one.add_argument("-v", "--verbose", action="store_true", help="one line per definition, or module")
        one.add_argument("--timeout", type=_seconds, default=30.0, metavar="S",
                         help="seconds in which it must have begun (30); else nothing is done")
        if name != "attach":
            one.add_argument("--only", action="store_true", help="this process alone, without its workers")
        _ADD.get(name, lambda one: None)(one)


def _seconds(text):
    value = float(text)
    if not 0 < value <= 86400:
        raise ValueError(text)
    return value


def _paths(one):
    one.add_argument("paths", metavar="PATH", nargs="*", help="these files, and what is pending; without: all that differ")


def _dry_run(one):
    one.add_argument("-n", "--dry-run", action="store_true", help="try it and drop it: nothing changes")


def _update(one):
    _paths(one)
    _dry_run(one)


def _hotfix(one):
    one.add_argument("file", metavar="FILE", nargs="?", help="patch, script, JSON object, or release; - is standard input")
    _dry_run(one)
    one.add_argument("--id", help="its name in reports and journal")
    one.add_argument("--permanent", action="store_true", help="apply it again after a restart (where a journal is kept)")
    one.add_argument("--release", action="store_true", help="FILE is a signed release (midflight sign)")


def _undo(one):
    _dry_run(one)
    one.add_argument("--to", type=int, metavar="N", help="to what ran when update N was the last one")


def _id(one):
    one.add_argument("id", metavar="ID", nargs="?", help="of the hotfix: midflight status, history")


def _history(one):
    one.add_argument("-c", "--count", type=int, metavar="N", help="the last N only")


def _attach(one):
    one.add_argument("--once", action="store_true", help="only open the door, and say where it is")


_ADD = {"plan": _paths, "confirm": _id, "retire": _id, "update": _update, "hotfix": _hotfix, "undo": _undo, "history": _history, "attach": _attach}
