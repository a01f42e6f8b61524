"""The keys of `midflight run`: r u d s p h q.

Owns: the terminal's mode, while it is ours. In: key presses. Out: calls of the api, lines. The program comes first:
- it gets the terminal back, as it was and for good, when it touches sys.stdin in any way: the file under sys.stdin is
  one that tells us (an ordinary file object in all else); `input()`, pdb and readline ask it for its descriptor;
- we leave the terminal alone while somebody else has set its mode (an editor, a pager, a password prompt), has opened
  it, while a child of ours shares it, and in the background;
- no signal handler is installed. A shell puts its own mode back when a job stops or is killed; after a stop, the first
  line that is entered brings ours back. At exit the mode is what it was.
"""

import _thread
import atexit
import io
import os
import select
import signal
import sys
import time

from .. import api

_HELP = """r  update now         u  undo the last update   d  show the diff
           s  status             p  pause, or go on        h  this help         q  quit"""
_AGAIN = 0.5           # seconds until we look again whether somebody else still has the terminal


class _Stdin(io.FileIO):
    """The raw file under sys.stdin: tells its owner when the program reads from it or asks for its descriptor."""

    def __init__(self, owner):
        super().__init__(0, "rb", closefd=False)
        self.name = "<stdin>"
        self._taken = owner.hand_over

    def readinto(self, buffer):
        self._taken()
        return super().readinto(buffer)

    def read(self, size=-1):
        self._taken()
        return super().read(size)

    def readall(self):
        self._taken()
        return super().readall()

    def fileno(self):
        self._taken()
        return super().fileno()


class Keys:
    """Reads the terminal on a thread of its own until the program wants it."""

    def __init__(self, output):
        self._output = output
        self._lock = _thread.allocate_lock()     # held while we read or set the mode
        self._theirs = None                      # mode of the terminal before us
        self._ours = None
        self._silent = None                      # theirs without echo: while a password may be asked for
        self._over = False
        self._held = False
        self._told = False
        self._wake = None

    def start(self):
        try:
            import termios

            self._termios = termios
            self._theirs = termios.tcgetattr(0)
        except (ImportError, OSError, termios.error):
            return
        mode = termios.tcgetattr(0)
        mode[3] &= ~(termios.ICANON | termios.ECHO)
        mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
        self._ours = mode
        self._silent = [*self._theirs[:3], self._theirs[3] & ~termios.ECHO, *self._theirs[4:]]
        self._wake = os.pipe()
        self._replace_stdin()
        atexit.register(self.hand_over)          # the first to register is the last to be called
        os.register_at_fork(after_in_child=self._forget)
        if self._in_front():
            self._set(self._ours)
        _thread.start_new_thread(self._watch, ())

    def _replace_stdin(self):
        old = sys.stdin
        buffer = io.BufferedReader(_Stdin(self))
        new = io.TextIOWrapper(buffer, encoding=old.encoding, errors=old.errors, line_buffering=old.line_buffering)
        new.mode = "r"
        self._old_stdin = old                    # stays open: the interpreter's own
        if sys.__stdin__ is old:
            sys.__stdin__ = new
        sys.stdin = new

    def hand_over(self):
        """The terminal is the program's from here on. Costs nothing after the first time."""
        if self._over:
            return
        # the thread may stand in a read: somebody else took what it was told of
        locked = self._lock.acquire(timeout=0.3)
        try:
            if self._over:
                return
            self._over = True
            if self._in_front() and self._mode() in (self._ours, self._silent):
                self._set(self._theirs)
        finally:
            if locked:
                self._lock.release()
        os.write(self._wake[1], b"x")

    def _forget(self):
        """In a forked child there is no thread of ours, and the terminal is the parent's business."""
        self._over = True
        self._lock = _thread.allocate_lock()

    def _watch(self):
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while not self._over:
            try:
                ready, _, _ = select.select([0, self._wake[0]], [], [])
                if self._over or self._wake[0] in ready:
                    return
                if not self._is_ours():
                    time.sleep(_AGAIN)
                    continue
                with self._lock:
                    if self._over:
                        return
                    if not select.select([0], [], [], 0)[0]:
                        continue                 # the program has read it
                    pressed = os.read(0, 64)
            except (OSError, ValueError):
                return
            if not pressed:
                return                           # the terminal has gone
            for key in pressed.decode("ascii", "ignore").lower():
                self._react(key)

    def _is_ours(self):
        """Something was typed: was it meant for us?"""
        if not self._in_front():
            return False
        with self._lock:
            if self._over:
                return False
            mode = self._mode()
            opened = self._opened_by_the_program()
            if opened or self._shared_with_a_child():
                if mode == self._ours:
                    self._set(self._silent if opened else self._theirs)
                return False
            if mode in (self._theirs, self._silent):
                self._set(self._ours)            # back from a stop, or from somebody who shared it
                return True
            return mode == self._ours

    def _in_front(self):
        try:
            return os.tcgetpgrp(0) == os.getpgrp()
        except OSError:
            return False

    def _mode(self):
        try:
            return self._termios.tcgetattr(0)
        except self._termios.error:
            return None

    def _set(self, mode):
        try:
            self._termios.tcsetattr(0, self._termios.TCSANOW, mode)
        except self._termios.error:
            pass

    def _opened_by_the_program(self):
        """getpass and others open /dev/tty themselves."""
        try:
            here = os.ttyname(0)
            descriptors = [int(name) for name in os.listdir("/proc/self/fd") if name.isdecimal()]
        except OSError:
            return False
        return any(_leads_to(f"/proc/self/fd/{number}", (here, "/dev/tty")) for number in descriptors if number > 2)

    def _shared_with_a_child(self):
        """A child with our standard input may be about to read from it."""
        try:
            here, me = os.ttyname(0), os.getpid()
            threads = os.listdir("/proc/self/task")
        except OSError:
            return False
        for thread in threads:
            try:
                with open(f"/proc/{me}/task/{thread}/children") as file:
                    children = file.read().split()
            except OSError:
                continue
            for child in children:
                if _leads_to(f"/proc/{child}/fd/0", (here,)):
                    if not self._told:
                        self._told = True
                        self._output.say(f"keys are off while process {child} shares the terminal")
                    return True
        return False

    def _react(self, key):
        action = {"r": self._update, "u": self._undo, "d": self._diff, "s": self._status, "p": self._pause,
                  "h": self._help, "?": self._help, "q": self._quit}.get(key)
        if action is None:
            return
        self._output.asked = True
        try:
            action()
        except Exception as error:
            self._output.say(f"{type(error).__name__}: {error}", "rejected")
        finally:
            self._output.asked = self._output.undoing = False

    def _update(self):
        api.update()

    def _undo(self):
        self._output.undoing = True
        api.undo()

    def _diff(self):
        waiting = self._output.texts.waiting() if self._output.texts else ""
        last = self._output.texts.last if self._output.texts else ""
        if waiting:
            self._output.say("saved, but not live:")
        elif last:
            self._output.say("the last update:")
        else:
            self._output.say("nothing has changed")
        self._output.diff(waiting or last)

    def _status(self):
        status = api.status()
        number = status.get("number") or 0
        pending = status.get("pending") or ()
        self._output.say(", ".join([
            f"update #{number}" if number else "no update yet",
            f"{len(status.get('modules') or ())} modules",
            f"{len(pending)} files pending" if pending else "nothing pending",
            f"watching ({status['watching']})" if status.get("watching") else "not watching",
            *(["paused"] if self._held else []),
        ]))
        for entry in status.get("stragglers") or ():
            self._output.say(f"{entry['name']} ({entry['file']}:{entry['line']}) runs code from before #{entry['since']}")

    def _pause(self):
        self._held = not self._held
        if self._held:
            self._hold = api.hold()
            self._hold.__enter__()
            self._output.say("paused: edits wait; p goes on")
        else:
            self._output.say("going on")
            self._hold.__exit__()

    def _help(self):
        self._output.say(_HELP)

    def _quit(self):
        os.kill(os.getpid(), signal.SIGINT)      # as Ctrl-C: the program may clean up


def _leads_to(link, places):
    try:
        return os.readlink(link) in places
    except OSError:
        return False
