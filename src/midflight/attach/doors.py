"""A door into a process that was not prepared for it.

Owns: the ways in, and the words about those that are shut. In: a PID. Out: an agent in that process, or NotReachable.
What is brought in is always the same: a few lines of Python, run by the process' own main thread between two steps of
its program, which import midflight there and open the agent's socket.

Python 3.14 and later have a way of their own, sys.remote_exec; it is asked by an interpreter of the same version, the
process' own executable if ours is another. Before that gdb asks the interpreter to run them as a pending call: it is
stopped for a moment, runs two calls that take no lock of Python's (mmap, Py_AddPendingCall), and goes on.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

from .client import NotReachable

_AGAIN = "start it with `midflight run`, or put `import midflight.auto` into its first line"
_VERSION = re.compile(r"python(\d)\.(\d+)")
_ENTER = '''\
def _midflight_enters(folder, result):
    import os, sys
    def tell(text):
        with open(result + ".part", "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(result + ".part", result)
    try:
        try:
            import midflight.agent
        except ImportError:
            sys.path.append(folder)
            try:
                import midflight.agent
            finally:
                sys.path.remove(folder)
        midflight.start()
        tell("opened " + str(midflight.agent.start()))
    except BaseException as error:
        tell("failed " + type(error).__name__ + ": " + str(error))
try:
    _midflight_enters({folder!r}, {result!r})
finally:
    del _midflight_enters
'''
_TOO_LATE = """\
import os
for _name in ("enter.py", "result"):
    if os.path.exists(os.path.join({folder!r}, _name)):
        os.unlink(os.path.join({folder!r}, _name))
os.rmdir({folder!r})
"""


def open_door(pid, timeout=30.0):
    """Bring an agent into this process; NotReachable, with what shuts the door and how to open it."""
    user = _owner(pid)
    version, executable = _python(pid)
    folder = tempfile.mkdtemp(prefix="midflight-")
    script, result = os.path.join(folder, "enter.py"), os.path.join(folder, "result")
    asked = late = False
    try:
        if user != os.geteuid():                       # root, for another user's process
            os.chown(folder, user, -1)
        package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))     # the folder that holds midflight
        _write(script, _ENTER.replace("{folder!r}", repr(package)).replace("{result!r}", repr(result)))
        if version >= (3, 14):
            _remote_exec(pid, version, executable, script)
        else:
            _gdb(pid, version, script, timeout)
        asked = True
        answer = _wait(result, timeout)
        late = answer is None
    finally:
        if asked and (late or not os.path.exists(result)):
            _write(script, _TOO_LATE.replace("{folder!r}", repr(folder)))       # it may still come to it
        else:
            shutil.rmtree(folder, ignore_errors=True)
    if late:
        raise NotReachable(f"process {pid} has not let us in within {timeout:g} s: its main thread has not come back from a C call "
                           f"(a sleep, a read that blocks). It stays as it is; try again, or {_AGAIN}")
    if answer.startswith("failed"):
        raise NotReachable(f"process {pid} let us in, but: {answer.removeprefix('failed ')}. midflight must be installed for its Python "
                           f"({version[0]}.{version[1]})")


def way_in():
    """For doctor: how a process of this Python that was not prepared is entered, and what to do where it cannot be."""
    shut = _ptrace() if _scope() and os.geteuid() != 0 else None
    if hasattr(sys, "remote_exec"):
        return "unprepared processes are entered by sys.remote_exec", shut
    if shutil.which("gdb"):
        return "unprepared processes are entered with gdb", shut
    return "unprepared processes cannot be entered: there is no gdb", f"apt install gdb; or {_AGAIN}"


def _owner(pid):
    try:
        user = os.stat(f"/proc/{pid}").st_uid
    except FileNotFoundError:
        raise NotReachable(f"there is no process {pid}") from None
    if os.geteuid() not in (0, user):
        raise NotReachable(f"process {pid} belongs to user {user}: only that user, or root, can reach it")
    return user


def _python(pid):
    """((major, minor), executable) of a Python process."""
    try:
        executable = os.readlink(f"/proc/{pid}/exe")
        with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as file:
            mapped = {line.rpartition(" ")[2].strip() for line in file if "/" in line}
    except OSError as error:
        raise NotReachable(f"process {pid} cannot be looked at: {error.strerror}") from error
    for name in (*(os.path.basename(path) for path in mapped if "libpython" in path), os.path.basename(executable)):
        found = _VERSION.search(name)
        if found:
            return (int(found[1]), int(found[2])), executable
    if "python" in os.path.basename(executable):
        found = re.search(r"(\d)\.(\d+)", _run([executable, "-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], 10)[1])
        if found:
            return (int(found[1]), int(found[2])), executable
    raise NotReachable(f"process {pid} ({executable}) is no Python process that we know")


def _run(command, timeout):
    """(exit code or None, what it said)

    Without libraries that were preloaded for us: a debugger may stand still under a sanitizer or another allocator.
    """
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=timeout, env=environment)
    except subprocess.TimeoutExpired as error:
        return None, str(error.stdout or "")
    except OSError as error:
        return None, str(error)
    return done.returncode, done.stdout


def _write(path, text):
    with open(path + ".part", "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path + ".part", 0o644)
    os.replace(path + ".part", path)


def _wait(result, timeout):
    """What the process says; None: nothing, in this time."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        try:
            with open(result, encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            time.sleep(0.01)
    return None


# ---- 3.14 and later


def _remote_exec(pid, version, executable, script):
    asker = sys.executable if sys.version_info[:2] == version else executable
    code, said = _run([asker, "-I", "-c", f"import sys; sys.remote_exec({pid}, {script!r})"], 20)
    if code == 0:
        return
    last = said.strip().splitlines()[-1] if said.strip() else "no answer"
    if "PermissionError" in last or "not permitted" in said:
        raise NotReachable(f"process {pid} may not be entered: {_ptrace()}")
    if "disabled" in last or "not enabled" in last:
        raise NotReachable(f"process {pid} has shut this door itself (PYTHON_DISABLE_REMOTE_DEBUG, -X disable-remote-debug, or how it was "
                           f"built): {_AGAIN}")
    raise NotReachable(f"process {pid} cannot be entered: {last}")


# ---- before


def _gdb(pid, version, script, timeout):
    gdb = shutil.which("gdb")
    if gdb is None:
        raise NotReachable(f"process {pid} runs Python {version[0]}.{version[1]}, which only a debugger can enter, and there is no gdb: "
                           f"install it (apt install gdb), or {_AGAIN}")
    text = f"try:\n exec(compile(open({script!r}).read(), 'midflight', 'exec'), {{}})\nexcept OSError:\n pass\n"     # gone: too late
    literal = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    commands = [
        "set $midflight = ((void *(*)(void *, unsigned long, int, int, int, long)) mmap)(0, 4096, 3, 0x22, -1, 0)",
        f'set {{char [{len(text.encode()) + 1}]}} $midflight = "{literal}"',
        'printf "asked: %d\\n", ((int (*)(void *, void *)) Py_AddPendingCall)((void *) &PyRun_SimpleString, $midflight)',
        "detach",
    ]
    command = [gdb, "-nx", "-nh", "-batch", "-iex", "set auto-load off", "-iex", "set debuginfod enabled off", "-p", str(pid)]
    for one in commands:
        command += ["-ex", one]
    code, said = _run(command, max(timeout, 30))
    if "asked: 0" in said:
        return
    if "Operation not permitted" in said:
        raise NotReachable(f"process {pid} may not be entered: {_ptrace()}")
    if "asked: -1" in said:
        raise NotReachable(f"process {pid} has too much waiting for its main thread already: try again")
    if code is None:
        raise NotReachable(f"gdb did not come to an end with process {pid}")
    words = [line for line in said.splitlines() if "rror" in line or "No symbol" in line or "cannot" in line]
    raise NotReachable(f"gdb could not enter process {pid}: {words[-1] if words else 'it said nothing of use'}")


def _ptrace():
    """Why the system says no, and what opens it."""
    scope = _scope()
    if scope == 3:
        return f"the system allows no debugging at all (kernel.yama.ptrace_scope is 3, until a restart): {_AGAIN}"
    if scope:
        return (f"kernel.yama.ptrace_scope is {scope}: do it as root, or allow it for a while (sudo sysctl kernel.yama.ptrace_scope=0), or "
                f"{_AGAIN}")
    return f"the system does not let us (a container needs the capability SYS_PTRACE): do it as root, or {_AGAIN}"


def _scope():
    try:
        with open("/proc/sys/kernel/yama/ptrace_scope", encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return 0
