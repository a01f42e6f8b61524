"""Reach a live process: find its socket, talk to its agent.

Owns: the client's side of the protocol. In: a PID, a name, a method and its parameters. Out: answers; NotReachable,
with what to do about it, or CallFailed. A socket is believed only if its listener is the user's own process.
"""

import concurrent.futures
import contextlib
import dataclasses
import json
import os
import socket
import struct
import time

from ..errors import MidflightError
from . import places

PROTOCOL = 1
HELLO_S = 2.0            # a process that lives greets at once: the interpreter is not asked for that
_LONGEST = 96 << 20


class NotReachable(MidflightError):
    """There is no such process, or no way to it. The text says which way could be opened, and how."""


class CallFailed(MidflightError):
    """The agent could not do what was asked; `code` is JSON-RPC's, `ours` MF68x where it has one."""

    def __init__(self, text, code=0, ours=None):
        super().__init__(text)
        self.code, self.ours = code, ours


@dataclasses.dataclass(frozen=True)
class Process:
    """One that can be reached."""

    path: str
    hello: dict = dataclasses.field(compare=False)

    pid = property(lambda self: self.hello["pid"])
    name = property(lambda self: self.hello.get("name") or "python")
    parent = property(lambda self: _parent(self.pid))
    interpreter = property(lambda self: self.hello.get("interpreter") or 0)

    @property
    def label(self):
        return f"{self.pid}-{self.interpreter}" if self.interpreter else str(self.pid)


class Connection:
    """To one agent. Not for two threads at once."""

    def __init__(self, path, timeout=HELLO_S):
        self.path, self._buffer, self._last = path, bytearray(), 0
        self._socket, self.peer = _connected(path, timeout)      # peer: its PID, 0 where the system does not say
        try:
            self.hello = self._greeting(timeout)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._socket.close()

    def _greeting(self, timeout):
        message = self._next(time.monotonic() + timeout)
        if message is None:
            raise NotReachable(f"{self.path}: no greeting within {timeout:g} s: {_why_silent(self.path)}")
        if "error" in message:
            raise NotReachable(f"{self.path}: {message['error'].get('message')}")
        hello = message.get("params")
        if message.get("method") != "hello" or not isinstance(hello, dict) or not isinstance(hello.get("pid"), int):
            raise NotReachable(f"{self.path}: what answers there is no agent of midflight")
        if PROTOCOL not in hello.get("protocol", ()):
            raise NotReachable(f"process {hello['pid']} runs midflight {hello.get('midflight')}, whose protocol is another: "
                               "use the command of that version")
        return hello

    def call(self, method, params=None, *, timeout=60.0, progress=None):
        """The result. progress(state, ms): about once a second, while it waits or runs. After the time nothing has been
        done, unless the text says that it runs."""
        self._last += 1
        params = {name: value for name, value in (params or {}).items() if value is not None}
        if method in ("update", "hotfix", "undo", "plan"):
            params["within_ms"] = timeout * 1000
        self._send({"jsonrpc": "2.0", "id": self._last, "method": method, "params": params})
        end, state = time.monotonic() + timeout, None
        while True:
            message = self._next(end)
            if message is None and state == "runs":
                end = time.monotonic() + timeout      # it has begun: it is not taken back by who waits
                continue
            if message is None:
                raise CallFailed(f"process {self.hello['pid']} has not begun within {timeout:g} s, nothing was done: "
                                 f"{_why_busy(self.hello['pid'], state)}", -32001, "MF681")
            if message.get("method") == "progress":
                state = message["params"].get("state")
                if progress is not None:
                    progress(state, message["params"].get("ms", 0))
            elif "error" in message and message.get("id") in (None, self._last):
                error = message["error"]
                raise CallFailed(str(error.get("message")), error.get("code", 0), (error.get("data") or {}).get("code"))
            elif message.get("id") == self._last:
                return message.get("result")

    def events(self, timeout=None):
        """(method, params) of what it tells; ends when it goes."""
        self.call("listen")
        while True:
            try:
                message = self._next(None if timeout is None else time.monotonic() + timeout)
            except NotReachable:
                return
            if message is None:
                return
            if "method" in message:
                yield message["method"], message.get("params")

    def _send(self, message):
        try:
            self._socket.settimeout(30)
            self._socket.sendall(json.dumps(message).encode() + b"\n")
        except OSError as error:
            raise NotReachable(f"process {self.hello['pid']} does not listen any more: {error.strerror or error}") from error

    def _next(self, end):
        """The next message; None when the time is up."""
        at = 0
        while (newline := self._buffer.find(b"\n", at)) < 0:
            at = len(self._buffer)
            if at > _LONGEST:
                raise NotReachable(f"{self.path}: the answer does not end")
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                return None
            self._socket.settimeout(left)
            try:
                got = self._socket.recv(1 << 18)
            except TimeoutError:
                return None
            except OSError as error:
                raise NotReachable(f"{self.path}: {error.strerror or error}") from error
            if not got:
                raise NotReachable(f"{self.path}: the process has closed the connection, or has ended")
            self._buffer += got
        line = bytes(self._buffer[:newline])
        del self._buffer[:newline + 1]
        try:
            message = json.loads(line)
        except ValueError as error:
            raise NotReachable(f"{self.path}: what answers there is no agent of midflight ({error})") from error
        return message if isinstance(message, dict) else {}


def _connected(path, timeout):
    """A socket whose other end is this user's own (or, for root, the folder's owner's)."""
    owner = os.lstat(path).st_uid
    end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        end.settimeout(timeout)
        with _short(path) as address:
            end.connect(address)
        pid = 0
        if hasattr(socket, "SO_PEERCRED"):
            pid, user, _ = struct.unpack("3i", end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
            if user != owner:
                raise NotReachable(f"{path}: user {user} listens there, not {owner}")
        return end, pid
    except BaseException:
        end.close()
        raise


@contextlib.contextmanager
def _short(path):
    """An address has room for about 100 bytes: a long one leads through the open folder."""
    if len(os.fsencode(path)) < 100 or not os.path.isdir("/proc/self/fd"):
        yield path
        return
    folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{os.path.basename(path)}"
    finally:
        os.close(folder)


# ---- who is there


def processes(user=None):
    """All that can be reached, parents first. Sockets that nobody listens at are removed."""
    found = []
    for folder in places.candidates(user):
        try:
            there = places.sockets(folder, user)
        except OSError:
            continue                                   # not to be trusted: doctor says so
        for path, _, _ in there:
            found.append(path)
    if not found:
        return []
    with concurrent.futures.ThreadPoolExecutor(min(16, len(found))) as pool:     # a stopped process is waited for
        return _sorted(filter(None, pool.map(_greeted, found)))


def _greeted(path):
    try:
        with Connection(path) as connection:
            return Process(path, connection.hello)
    except ConnectionRefusedError:
        with contextlib.suppress(OSError):
            os.unlink(path)                            # nobody listens there any more
    except (OSError, NotReachable):
        pass                                           # silent, or another's: not to be reached now
    return None


def _sorted(found):
    unique = {(process.pid, process.interpreter): process for process in found}
    return sorted(unique.values(), key=lambda process: (len(ancestors(process.pid)), process.pid, process.interpreter))


def resolve(target):
    """The processes that a PID or a name means. NotReachable for none."""
    target = str(target)
    if target.replace("-", "", 1).isdecimal():
        pid, _, interpreter = target.partition("-")
        return [_of_pid(int(pid), int(interpreter or 0))]
    there = processes()
    found = [process for process in there if process.name == target]
    if not found:
        names = ", ".join(sorted({process.name for process in there}))
        raise NotReachable(f"no reachable process is called {target!r}" + (f"; there are: {names}" if names else "; there is none at all"))
    return found


def _of_pid(pid, interpreter):
    try:
        user = os.stat(f"/proc/{pid}").st_uid if os.path.isdir("/proc/self") else os.geteuid()
    except FileNotFoundError:
        raise NotReachable(f"there is no process {pid}") from None
    if user != os.geteuid() and os.geteuid() != 0:
        raise NotReachable(f"process {pid} belongs to user {user}: only that user, or root, can reach it")
    trouble = None
    for folder in places.candidates(user, pid):
        path = os.path.join(folder, places.socket_name(pid, interpreter))
        try:
            if os.path.lexists(path):
                places.check(folder, user)
                with Connection(path) as connection:
                    if connection.hello["pid"] == pid:
                        return Process(path, connection.hello)
        except ConnectionRefusedError:
            with contextlib.suppress(OSError):
                os.unlink(path)                        # of one that had this number before, or has become another program
        except (OSError, NotReachable) as error:
            trouble = error
    if trouble is not None:
        raise NotReachable(f"process {pid} cannot be reached: {trouble}")
    raise NotReachable(f"process {pid} has no agent: `midflight attach {pid}` tries to open a door; the next time start it with "
                       "`midflight run`, or put `import midflight.auto` into its first line")


def socket_of(pid):
    """The path of this user's process' socket, without a look whether it answers; None where there is none."""
    for folder in places.candidates():
        path = os.path.join(folder, places.socket_name(pid))
        if os.path.exists(path):
            return path
    return None


def ancestors(pid):
    """PIDs above this one, nearest first."""
    out = []
    while (pid := _parent(pid)) > 0 and pid not in out:
        out.append(pid)
    return out


def _parent(pid):
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0


# ---- why nothing comes


def _why_silent(path):
    name = os.path.basename(path).partition(".")[0].partition("-")[0]
    return _state(int(name)) if name.isdecimal() else "it does not answer"


def _why_busy(pid, state):
    stopped = _state(pid)
    if state == "waits for the program's safe point":
        return "it allows changes only on its main thread or in poll(), and has not come there (a blocking call, perhaps)"
    if state == "waits for the interpreter":
        return f"its interpreter is not free: some C code holds the GIL ({stopped})"
    return stopped


def _state(pid):
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            letter = file.read().rpartition(b")")[2].split()[0].decode()
    except (OSError, IndexError):
        return "it has ended"
    return {"T": "it is stopped (SIGCONT lets it go on)", "t": "a debugger has stopped it", "Z": "it has ended",
            "D": "it waits for a device"}.get(letter, "it is busy in C code, perhaps")
