"""The keys of `midflight run` on a terminal, and that the terminal is the program's when it wants it."""

import os
import pty
import select
import signal
import sys
import termios
import time

import pytest
from helpers import RUN, environment, save, wait_for, write

COUNT = """
    import time
    import lib
    print("ready", flush=True)
    while True:
        time.sleep(0.02)
        lib.answer()
    """


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, command, cwd, **env):
        self.before = None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(cwd)
                os.execvpe(command[0], command, environment(NO_COLOR="1", **env))
            finally:
                os._exit(127)
        self.before = termios.tcgetattr(self.fd)
        self.seen = ""
        self.status = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)

    def read(self, seconds=0.05):
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if ready:
            try:
                self.seen += os.read(self.fd, 65536).decode().replace("\r\n", "\n")
            except OSError:
                pass
        return self.seen

    def until(self, text, seconds=15):
        """Wait until text appears after what was waited for before; returns what came with it."""
        end = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < end, f"{text!r} is not in {self.seen!r}"
            self.read()
        at = self.seen.index(text) + len(text)
        came, self.seen = self.seen[:at], self.seen[at:]
        return came

    def press(self, keys):
        os.write(self.fd, keys.encode())

    def quiet(self):
        return not termios.tcgetattr(self.fd)[3] & (termios.ICANON | termios.ECHO)

    def as_before(self):
        return termios.tcgetattr(self.fd) == self.before

    def end(self):
        end = time.monotonic() + 15
        while True:
            self.read(0.01)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
                self.read(0)
                return self.status
            assert time.monotonic() < end, self.seen


@pytest.fixture
def project(tmp_path):
    return write(tmp_path, {"pyproject.toml": "", "app.py": COUNT, "lib.py": "def answer():\n    return 1\n"})


def test_every_key(project):
    with Terminal([*RUN, "--no-watch", "app.py"], project) as terminal:
        terminal.until("ready")
        wait_for(terminal.quiet)
        terminal.press("h")
        terminal.until("q  quit")
        terminal.press("s")
        terminal.until("no update yet")
        terminal.press("r")
        terminal.until("nothing differs from what runs")
        save(project / "lib.py", "def answer():\n    return 2\n")
        terminal.press("d")
        terminal.until("saved, but not live:")
        terminal.until("+     return 2")
        terminal.press("r")
        terminal.until("#1   lib.py  ~answer")
        terminal.press("d")
        terminal.until("the last update:")
        terminal.until("-     return 1")
        terminal.press("s")
        terminal.until("update #1, ")
        terminal.press("u")
        terminal.until("#2   undoes #1  lib.py")
        terminal.press("q")
        assert terminal.end() == -signal.SIGINT
        assert "KeyboardInterrupt" in terminal.seen and terminal.as_before()


def test_pause(project):
    with Terminal([*RUN, "app.py"], project) as terminal:
        terminal.until("ready")
        wait_for(terminal.quiet)
        terminal.press("p")
        terminal.until("paused")
        save(project / "lib.py", "def answer():\n    return 2\n")
        time.sleep(0.3)
        assert "~answer" not in terminal.read()
        terminal.press("p")
        terminal.until("~answer")


def test_a_line_works_as_well_as_a_key(project):
    with Terminal([*RUN, "--no-watch", "app.py"], project) as terminal:
        terminal.until("ready")
        terminal.press("s\n")
        terminal.until("no update yet")


@pytest.mark.parametrize("read, shown", [
    ("input('name? ')", "'ann'"), ("sys.stdin.readline()", r"'ann\n'"), ("next(sys.stdin)", r"'ann\n'"),
    ("sys.stdin.buffer.readline()", r"b'ann\n'"), ("open(sys.stdin.fileno(), closefd=False).readline()", r"'ann\n'"),
    ("sys.stdin.buffer.raw.read(9)", r"b'ann\n'"), ("sys.__stdin__.readline()", r"'ann\n'"),
])
def test_a_program_that_reads_has_the_terminal(tmp_path, read, shown):
    write(tmp_path, {"app.py": f"import sys, time\nprint('ready', flush=True)\ntime.sleep(0.2)\nprint('got', repr({read}))\n"
                               "print(repr(input('again? ')))"})
    with Terminal([*RUN, "app.py"], tmp_path) as terminal:
        terminal.until("ready")
        wait_for(terminal.as_before)
        time.sleep(0.1)
        terminal.press("ann\n")
        assert "ann\n" in terminal.until("got " + shown)            # echoed, as ever
        terminal.until("again? ")
        terminal.press("quit\n")
        terminal.until("'quit'")
        assert terminal.end() == 0 and terminal.as_before()


def test_standard_input_is_an_ordinary_one(tmp_path):
    write(tmp_path, {"app.py": """
        import io, sys
        print(type(sys.stdin) is io.TextIOWrapper, sys.stdin is sys.__stdin__, sys.stdin.name, sys.stdin.mode,
              sys.stdin.encoding, sys.stdin.isatty(), sys.stdin.readable(), sys.stdin)
        """})
    seen = []
    for command in ([sys.executable], RUN):
        with Terminal([*command, "app.py"], tmp_path) as terminal:
            terminal.end()
            seen.append([line for line in terminal.seen.splitlines() if not line.startswith("midflight")])
    assert seen[0] == seen[1]


@pytest.mark.parametrize("prompt, asks", [("getpass.getpass()", "Password: "),
                                          ("subprocess.run([sys.executable, '-c', 'print(repr(input(\\'asks\\')))  # child'])", "asks")],
                         ids=["getpass", "child"])
def test_others_who_read_the_terminal(tmp_path, prompt, asks):
    write(tmp_path, {"app.py": f"import getpass, subprocess, sys\nprint('ready', flush=True)\ngot = {prompt}\nprint('got', got)\n"})
    with Terminal([*RUN, "app.py"], tmp_path) as terminal:
        terminal.until("ready")
        terminal.until(asks)                                         # now it reads
        terminal.press("hq")                                         # would be help and quit
        time.sleep(0.7)
        terminal.press("x\n")
        came = terminal.until("hqx")
        assert "child" in prompt or "got " in came                   # a password is not echoed
        assert terminal.end() == 0 and terminal.as_before()


def test_breakpoint(tmp_path):
    write(tmp_path, {"app.py": "x = 41\nbreakpoint()\nprint('after')\n"})
    with Terminal([*RUN, "app.py"], tmp_path) as terminal:
        terminal.until("(Pdb) ")
        terminal.press("p x + 1\n")
        terminal.until("42")
        terminal.press("c\n")
        terminal.until("after")
        assert terminal.end() == 0 and terminal.as_before()


@pytest.mark.parametrize("ending, code", [("sys.exit(3)", 3), ("1 / 0", 1), ("pass", 0)])
def test_the_terminal_is_as_before(tmp_path, ending, code):
    write(tmp_path, {"app.py": f"import sys, time\nprint('ready', flush=True)\ntime.sleep(0.3)\n{ending}\n"})
    with Terminal([*RUN, "app.py"], tmp_path) as terminal:
        terminal.until("ready")
        wait_for(terminal.quiet)
        assert terminal.end() == code and terminal.as_before()


def test_control_c(project):
    with Terminal([*RUN, "app.py"], project) as terminal:
        terminal.until("ready")
        wait_for(terminal.quiet)
        terminal.press("\x03")
        assert terminal.end() == -signal.SIGINT and terminal.as_before()


def test_keys_can_be_switched_off(project):
    with Terminal([*RUN, "--no-keys", "app.py"], project) as terminal:
        terminal.until("ready")
        assert terminal.as_before()


def test_a_stopped_program_gets_its_keys_back(project):
    """What a shell does at Ctrl-Z and fg: its own mode in between, ours again with the first line."""
    with Terminal([*RUN, "--no-watch", "app.py"], project) as terminal:
        terminal.until("ready")
        wait_for(terminal.quiet)
        os.kill(terminal.pid, signal.SIGSTOP)
        termios.tcsetattr(terminal.fd, termios.TCSANOW, terminal.before)
        os.kill(terminal.pid, signal.SIGCONT)
        terminal.press("s\n")
        terminal.until("no update yet")
        assert terminal.quiet()


def test_no_terminal_no_keys(project):
    from helpers import finish

    write(project, {"app.py": "import sys; print(sys.stdin.buffer.raw.__class__.__name__, sys.stdin.read())"})
    assert finish([*RUN, "app.py"], project, "rq")[:2] == (0, "FileIO rq\n")
