"""The command `midflight`: its words, its help, its exit codes.

Owns: the parser. In: argv. Out: the exit code: 0 live, or nothing to do; 2 wrong call; 3 rejected; 4 rejected for good,
only a restart takes this edit; 5 not reachable. `run` ends as the program that it runs does.
"""

import os
import sys

from .release_words import RELEASE_COMMANDS, add_release_commands
from .words import LIVE_COMMANDS, add_live_commands

LIVE, WRONG_CALL, REJECTED, RESTART, NOT_REACHABLE = 0, 2, 3, 4, 5

_TOP = """\
Change a Python program while it runs.

Save a file, and every function, class, import and piece of data of the running
program follows, all together or not at all; the state that it has made is kept.

start here:
  midflight run app.py              run it as `python app.py` would, and watch its files
  midflight run -m package arg      the same for `python -m package arg`
  midflight check old.py new.py     what would this edit need? (no process is involved)
  midflight doctor                  what works here, and how to open a door that is shut

on processes that run (a PID or a name; without one: the list of those that can be reached):
  midflight status  [TARGET]        which code does it run? pending files, stragglers
  midflight update  TARGET [PATH]   bring it, and its workers, to what the files say; all or none
  midflight hotfix  TARGET FILE     send it a fix: a patch, a script, edited modules
  midflight undo    TARGET          take the last update or hotfix back
  midflight confirm TARGET ID       a hotfix is to stay: every start has it (retire: no start any more)
  midflight plan, history, attach   what would be done; what was done; follow it, or open a door

signed hotfixes, for programs that take nothing else:
  midflight build, sign, verify     make a release out of a fix; sign it; see what it is and who signed it
"""
_RUN = """\
Run a program as `python` does (arguments, __main__, exit code, signals), and bring
it to the new source whenever a file of its own is saved.

One line per update goes to standard error:
  midflight  #12  shop/prices.py  ~Shop.total  +Shop.refund  TAX 0.19 -> 0.20 (3 importers)
  midflight  #13  REJECTED shop/cart.py:41  SyntaxError: '(' was never closed
~ changed, + added, - removed. After REJECTED the program runs on as if nothing had happened;
the next save is tried again.
"""
_RUN_END = """\
keys, where the terminal is ours (until the program reads standard input itself):
  r  update now      u  undo the last update      d  show the diff
  s  status          p  pause, or go on           h  help            q  quit (as Ctrl-C)

Which files are watched: those under the project's folder (the nearest one above the program
with a pyproject.toml or a repository in it), but no installed packages. [tool.midflight] in
pyproject.toml says otherwise: roots, include, exclude, data, stragglers, on_after_error,
settle_ms, compat, safepoint. MIDFLIGHT_ROOTS and so on say the same in the environment;
MIDFLIGHT_DISABLE=1 switches everything off.
"""
_CHECK = """\
Compare two versions of a file, or of a folder, and say what an update from one to the other
would do, definition by definition. Nothing is run; values and live instances are not known here.

exit code: 0 it can go live; 3 it would be rejected (it does not compile); 4 part of it takes effect
only after a restart; 2 wrong call
"""
_DOCTOR = """\
Say what of midflight works on this machine, for this folder, and what to do about what does not.

exit code: 0 updates work; 3 they would be rejected; 2 the configuration is wrong
"""


def build_parser():
    from argparse import ArgumentParser, BooleanOptionalAction, RawDescriptionHelpFormatter

    from .. import __version__

    def add(name, short, text, **more):
        return commands.add_parser(name, help=short, description=text, allow_abbrev=False,
                                   formatter_class=RawDescriptionHelpFormatter, **more)

    parser = ArgumentParser("midflight", description=_TOP, formatter_class=RawDescriptionHelpFormatter,
                            allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"midflight {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    run = add("run", "run a program and keep it up to date", _RUN, epilog=_RUN_END,
              usage="midflight run [options] APP [arguments of APP]\n"
                    "       midflight run [options] -m MODULE [arguments of MODULE]")
    run.add_argument("-m", dest="module", metavar="MODULE", help="run a module, as `python -m` does")
    run.add_argument("-v", "--verbose", action="store_true", help="one line per definition, and the diff")
    run.add_argument("-q", "--quiet", action="store_true", help="only updates that were rejected")
    run.add_argument("--json", action="store_true", help="one JSON object per event, on standard error")
    run.add_argument("--no-watch", dest="watch", action="store_false",
                     help="update only when asked to: key r, or midflight.update() in the program")
    run.add_argument("--no-agent", dest="agent", action="store_false",
                     help="no socket: `midflight status`, `update` ... cannot reach this process")
    run.add_argument("--poll", action="store_true",
                     help="look at the files in turn, for file systems that send no events (network, some containers)")
    run.add_argument("--keys", action=BooleanOptionalAction, default=None,
                     help="react to keys; without it: if standard input and output are a terminal")
    run.add_argument("--journal", metavar="DIR", help="keep what is done to the program here, and start it with its permanent hotfixes")
    run.add_argument("--root", action="append", metavar="FOLDER", help="the program's own files lie here (repeatable)")

    check = add("check", "say what an edit would need", _CHECK)
    check.add_argument("old", metavar="OLD", help="file or folder as it runs")
    check.add_argument("new", metavar="NEW", help="file or folder as it shall be")
    check.add_argument("--json", action="store_true", help="the answer as one JSON object")

    doctor = add("doctor", "say what works here", _DOCTOR)
    doctor.add_argument("--json", action="store_true", help="the answer as one JSON object")
    doctor.add_argument("path", metavar="PATH", nargs="?",
                        help="the program, or its folder; a PID or a name: that process; default: this folder")
    add_live_commands(add)
    add_release_commands(add)
    return parser


def main(argv=None):
    """Run one command; returns its exit code. `run` leaves by the exception that ends the program."""
    argv = list(sys.argv[1:] if argv is None else argv)
    if argv[:1] == ["run"]:
        head, program = split(argv[1:])
        parser = build_parser()
        options, unknown = parser.parse_known_args(["run", *head])
        if unknown:
            sys.stderr.write(f"usage: midflight run [options] [-m] APP [arguments]\n"
                             f"midflight run: no such option: {unknown[0]} (midflight run --help)\n")
            return WRONG_CALL
        if options.module is not None:
            program = [options.module, *program]
        if not program:
            sys.stderr.write("usage: midflight run [options] [-m] APP [arguments]\nmidflight run: which program?\n")
            return WRONG_CALL
        from .run import run

        return run(options, program)
    parser = build_parser()
    options = parser.parse_args(argv)
    if options.command is None:
        parser.print_help(sys.stderr)
        return WRONG_CALL
    if options.command == "check":
        from .check import check

        return _answer(check, options)
    if options.command in (*LIVE_COMMANDS, *RELEASE_COMMANDS):
        from importlib import import_module

        return _answer(getattr(import_module(f"midflight.cli.{options.command}"), options.command), options)
    from .doctor import doctor

    return _answer(doctor, options)


def _answer(command, options):
    """Its exit code; as if SIGPIPE had come, where whoever reads the answer has seen enough of it."""
    try:
        code = command(options)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())   # what is left goes nowhere at the end, either
        return 141


def split(arguments):
    """(our options, the program and its arguments): what follows APP, or -m MODULE, is never ours."""
    at = 0
    while at < len(arguments):
        argument = arguments[at]
        if argument == "--":
            return arguments[:at], arguments[at + 1:]
        if argument == "-" or not argument.startswith("-"):
            break
        if argument.startswith("-m"):
            end = at + (2 if argument == "-m" else 1)
            return arguments[:end], arguments[end:]
        at += 2 if argument in ("--root", "--journal") else 1
    return arguments[:at], arguments[at:]
