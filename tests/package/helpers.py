"""What the tests of the package share: projects in a folder, programs as processes, the lines that are ours."""

import os
import re
import subprocess
import sys
import tempfile
import textwrap
import threading
import time

RUNPY = re.compile(r'  File "(?:<frozen runpy>|.*[/]runpy\.py)", line ')
PYTHON = [sys.executable]
MIDFLIGHT = [sys.executable, "-m", "midflight"]
RUN = [*MIDFLIGHT, "run"]


def write(folder, files):
    """Write {relative path: text}; texts are dedented."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(text, bytes):
            path.write_bytes(text)
        else:
            path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
    return folder


def save(path, text):
    """Save as an editor does: a temporary file, then a rename."""
    part = path.with_name(path.name + ".part")
    part.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
    os.replace(part, path)


def environment(**more):
    out = {name: value for name, value in os.environ.items()
           if not name.startswith("MIDFLIGHT_") and name not in ("NO_COLOR", "PYTHONSAFEPATH")}
    out.update(PYTHONDONTWRITEBYTECODE="1", PYTHONIOENCODING="utf-8", **more)
    return out


def finish(command, cwd, stdin="", timeout=60, **env):
    """Run to the end; (exit code, stdout, stderr)."""
    done = subprocess.run(command, cwd=cwd, input=stdin, capture_output=True, text=True, timeout=timeout,
                          env=environment(**env))
    return done.returncode, done.stdout, done.stderr


def ours(stderr):
    return [line for line in stderr.splitlines() if line.startswith("midflight ")]


def theirs(stderr):
    """stderr without our lines, and without those of runpy, which stands below every `python -m`: "<frozen runpy>", or its
    file with the lines of source below, where the standard library is not frozen."""
    lines, in_runpy = [], False
    for line in stderr.splitlines():
        in_runpy = bool(RUNPY.match(line)) or in_runpy and line.startswith("    ")
        if not in_runpy and not line.startswith("midflight "):
            lines.append(line)
    return lines


class Program:
    """A program that runs while the test goes on; killed after a minute, so that no test waits for ever."""

    def __init__(self, command, cwd, **env):
        self._errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(command, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self._errors, text=True, bufsize=1, env=environment(**env))
        self._limit = threading.Timer(60, self.process.kill)
        self._limit.daemon = True
        self._limit.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        self._limit.cancel()
        self._errors.close()

    def errors(self):
        """What it has written to standard error until now."""
        with open(f"/proc/self/fd/{self._errors.fileno()}") as again:
            return again.read()

    def said(self, text):
        """Wait until standard error has this."""
        wait_for(lambda: text in self.errors())

    def line(self):
        return self.process.stdout.readline().rstrip("\n")

    def lines_until(self, wanted, limit=400):
        """Read lines until one is `wanted`."""
        seen = []
        for _ in range(limit):
            seen.append(self.line())
            if seen[-1] == wanted or (not seen[-1] and self.process.poll() is not None):
                break
        assert seen[-1] == wanted, (seen[-5:], self.process.poll())
        return seen

    def end(self, stdin="", timeout=30):
        out, _ = self.process.communicate(stdin, timeout=timeout)
        return self.process.returncode, out, self.errors()


def wait_for(question, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = question()
        if answer:
            return answer
        time.sleep(0.01)
    raise AssertionError("did not happen in time")
