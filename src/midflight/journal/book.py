"""The journal's file: records that are there whole or not at all.

Owns: the form of a record, the lock, the order of writes that makes it durable, the repair of a torn end. In: dicts.
Out: dicts, in the order of the file. What a record means is the journal's (__init__.py).

A record is a line: a JSON object whose last key is "sum", the SHA-256 of all that stands before it on the line. "n"
counts the records, "follows" is the sum of the one before: nothing can be changed, left out or put in between unseen.
Each record is synced before the next one is begun, so only the last can be torn, and a torn one was never promised to
anybody: it is set aside. Any other fault in the file is damage, and is named; what it said is not guessed.
"""

import contextlib
import errno
import fcntl
import json
import os
import threading
import time

from ..errors import JournalError
from ..hashes import sha256
from ..private import check_file, check_folder

FILE, LOCK, TEXTS, ASIDE, RESERVE = "journal.jsonl", "lock", "texts", "aside", "reserve"
LONGEST = 16 << 20             # bytes of a record, and of a text
PATIENCE = 10.0                # seconds that another process may hold the lock
_SPARE = 256 << 10             # kept on the disk, so that the end of what has begun can be written on a full one
_MARK = b', "sum": "'
_turn = threading.Lock()       # of this process' threads; between processes the file's lock
on_point = None                # on_point(name), at every place where a kill must do no harm: tests only


def _after_fork():
    """The thread that held it is not in the child; the file's lock stayed with the parent."""
    global _turn
    _turn = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


def point(name):
    if on_point is not None:
        on_point(name)


class Book:
    """One per process and folder; threads and processes take turns by the lock."""

    def __init__(self, folder):
        self.folder = os.path.abspath(os.fspath(folder))
        self.path = os.path.join(self.folder, FILE)
        self.records = []
        self.notes = []            # what a person should know of the file itself
        self._end = 0              # bytes of it that we have read
        with self._says("cannot be opened"):
            self._make()
            self.writable = os.access(self.folder, os.W_OK, effective_ids=os.access in os.supports_effective_ids)
        with self.locked():
            pass

    def _make(self):
        if not os.path.lexists(self.folder):
            parent = os.path.dirname(self.folder)
            os.makedirs(parent, exist_ok=True)
            with contextlib.suppress(FileExistsError):         # another process begins at the same moment
                os.mkdir(self.folder, 0o700)
            _sync(parent)
        check_folder(self.folder, "journal")
        for name in (TEXTS, ASIDE):
            path = os.path.join(self.folder, name)
            if not os.path.lexists(path):
                try:
                    os.mkdir(path, 0o700)
                except OSError as error:
                    if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EEXIST):
                        raise
                    continue
            check_folder(path, "journal")

    @contextlib.contextmanager
    def _says(self, what):
        try:
            yield
        except OSError as error:
            raise JournalError("MF620", f"the journal {self.folder} {what}: {_words(error)}") from error

    # ---- reading and the lock

    @contextlib.contextmanager
    def locked(self):
        """Alone with the file, and with all that others have written to it read."""
        turn = _turn
        if not turn.acquire(timeout=PATIENCE):
            raise JournalError("MF620", f"the journal {self.folder} cannot be locked: another thread has held it for {PATIENCE:g} s")
        try:
            with self._says("cannot be locked"):
                descriptor = self._lock()
            try:
                point("locked")
                self._refresh()
                yield self
            finally:
                if descriptor is not None:
                    os.close(descriptor)
        finally:
            turn.release()
        point("unlocked")

    def _lock(self):
        """A record lock, which a fork does not inherit: a child that lives on would keep any other."""
        path, kind = os.path.join(self.folder, LOCK), fcntl.LOCK_EX
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            if error.errno not in (errno.EROFS, errno.EACCES, errno.ENOSPC):
                raise
            kind = fcntl.LOCK_SH
            if not os.path.exists(path):
                return None                # a read-only disk: nobody writes
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            check_file(descriptor, path, "journal")
            until = time.monotonic() + PATIENCE
            while True:
                try:
                    fcntl.lockf(descriptor, kind | fcntl.LOCK_NB)
                    return descriptor
                except (BlockingIOError, PermissionError):
                    if time.monotonic() > until:
                        raise TimeoutError(errno.ETIMEDOUT, f"another process has held {path} for {PATIENCE:g} s") from None
                    time.sleep(0.005)
        except BaseException:
            os.close(descriptor)
            raise

    def _refresh(self):
        """Read what has come since; set a torn end aside."""
        with self._says("cannot be read"):
            try:
                descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            except FileNotFoundError:
                if self._end:
                    raise JournalError("MF622", f"{self.path} is gone, which had {len(self.records)} records") from None
                return
            with open(descriptor, "rb") as file:
                check_file(descriptor, self.path, "journal")
                if os.fstat(descriptor).st_size < self._end:
                    raise JournalError("MF622", f"{self.path}: records have been cut off behind this process' back "
                                                f"(it has read {len(self.records)} of them)")
                file.seek(self._end)
                data = file.read()
        lines = data.split(b"\n")
        torn = lines.pop()                 # what follows the last newline: nothing
        if not torn and lines and b"\0" in lines[-1]:
            torn = lines.pop() + b"\n"     # blocks that never reached the disk read as zeros
        for line in lines:
            self.records.append(self._parsed(line))
            self._end += len(line) + 1
        if torn:
            self._set_aside(torn)

    def _parsed(self, line):
        number = len(self.records) + 1
        head, mark, tail = line.rpartition(_MARK)
        if not mark or tail != sha256(head).encode() + b'"}':
            raise self._damaged(number, "its checksum is not that of its text")
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise self._damaged(number, str(error)) from None
        if record.get("n") != number:
            raise self._damaged(number, f"it is record {record.get('n')} where record {number} belongs")
        if record.get("follows") != (self.records[-1]["sum"] if self.records else ""):
            raise self._damaged(number, "it does not follow the record before it")
        return record

    def _damaged(self, line, why):
        return JournalError("MF622", f"{self.path}:{line}: this record is damaged: {why}. Nothing is guessed: bring the file "
                                     "back from a copy, or move the folder away to begin without its hotfixes")

    def _set_aside(self, torn):
        text = f"the last record was torn ({len(torn)} bytes after record {len(self.records)})"
        if not self.writable:
            self.notes.append(text + "; it is left where it is, the disk is read-only")
            return
        try:
            name = os.path.join(self.folder, ASIDE, f"torn-{len(self.records) + 1}-{sha256(torn)[:8]}")
            _write_file(name, torn)
            point("set aside")
            self._cut()
            self._append({"event": "note", "text": f"{text}; set aside as {os.path.relpath(name, self.folder)}"})
        except OSError as error:
            text += f"; it could not be set aside: {_words(error)}"
        self.notes.append(text)

    def _cut(self):
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            os.ftruncate(descriptor, self._end)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    # ---- writing

    def append(self, record):
        """Write one record, durable when this returns. JournalError where that cannot be; then it is not there."""
        with self._says("cannot be written"):
            return self._append(record)

    def _append(self, record):
        known = self.records[-1]["sum"] if self.records else ""
        full = {"n": len(self.records) + 1, "when": _now(), **record, "follows": known}
        head = json.dumps(full, ensure_ascii=False).encode()[:-1]
        if len(head) > LONGEST:
            raise OSError(errno.EFBIG, f"a record of {len(head)} bytes is longer than the {LONGEST} that are allowed")
        own = sha256(head)
        line = head + _MARK + own.encode() + b'"}\n'
        fresh = not self._end
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            if fresh:
                _sync(self.folder)
            try:
                _write_all(descriptor, line)
                point("record written")
                os.fsync(descriptor)
            except BaseException:
                with contextlib.suppress(OSError):     # else the next turn finds a torn record and repairs it
                    os.ftruncate(descriptor, self._end)
                raise
        finally:
            os.close(descriptor)
        point("record synced")
        self.records.append({**full, "sum": own})
        self._end += len(line)
        return self.records[-1]

    def reserve(self):
        """Room for the end of what begins now."""
        with self._says("cannot be written"):
            path = os.path.join(self.folder, RESERVE)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                if os.fstat(descriptor).st_size < _SPARE:
                    os.posix_fallocate(descriptor, 0, _SPARE)
                    os.fsync(descriptor)
            except OSError:
                os.unlink(path)
                raise
            finally:
                os.close(descriptor)

    def append_end(self, record):
        """append(), with the reserve's room where the disk is full."""
        try:
            return self.append(record)
        except JournalError as error:
            if getattr(error.__cause__, "errno", None) not in (errno.ENOSPC, errno.EDQUOT):
                raise
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(self.folder, RESERVE))
        return self.append(record)

    # ---- texts by their hash

    def keep(self, text):
        """Store a text; returns its hash."""
        data = text.encode()
        name = sha256(data)
        if len(data) > LONGEST:
            raise JournalError("MF621", f"a text of {len(data)} bytes is longer than the {LONGEST} that the journal takes")
        with self._says("cannot be written"):
            path = os.path.join(self.folder, TEXTS, name)
            if not os.path.exists(path) or _slurp(path) != data:
                _write_file(path, data)
                point("text kept")
        return name

    def text(self, name):
        """The text with this hash; JournalError where it is not there or not that any more."""
        path = os.path.join(self.folder, TEXTS, name)
        with self._says("cannot be read"):
            data = _slurp(path)
        if sha256(data) != name:
            raise JournalError("MF622", f"{path}: this text is damaged: its hash is {sha256(data)[:12]}...")
        return data.decode()


def _write_all(descriptor, data):
    """In two parts where a test looks on, so that a kill can come between them."""
    rest = memoryview(data)
    if on_point is not None:
        rest = rest[os.write(descriptor, rest[:len(rest) // 2]):]
        point("record torn")
    while rest:
        rest = rest[os.write(descriptor, rest):]


def _write_file(path, data):
    """A file that is there whole or not at all."""
    part = f"{path}.part-{os.getpid()}"
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        _write_all(descriptor, data)
        os.fsync(descriptor)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise
    finally:
        os.close(descriptor)
    point("file written")
    os.rename(part, path)
    _sync(os.path.dirname(path))


def _slurp(path):
    with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW), "rb") as file:
        check_file(file.fileno(), path, "journal")
        return file.read()


def _sync(folder):
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _now():
    seconds = time.time_ns()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds // 10**9))
    return f"{stamp}.{seconds // 10**6 % 1000:03}Z"


def _words(error):
    """strerror, with the file where it is not said already."""
    text = error.strerror or str(error) or type(error).__name__
    return f"{text} ({error.filename})" if error.filename else text
