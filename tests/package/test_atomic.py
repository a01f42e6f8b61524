"""Two modules that change together are never seen apart, whatever thread looks and whenever."""

import importlib
import os
import sys
import threading
import time

import midflight


def test_no_torn_reads(tmp_path, monkeypatch):
    updates = 300
    source = "def value():\n    return {}\n".format
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    names = "atomic_one", "atomic_two"
    paths = [tmp_path / f"{name}.py" for name in names]
    for path in paths:
        path.write_text(source(0))
    midflight.start(roots=[str(tmp_path)])
    one, two = map(importlib.import_module, names)
    stop, reads, torn, raised = threading.Event(), [], [], []

    def read():
        count = 0
        while not stop.is_set():
            try:
                # the same value before and after: no update came between
                first, second, again = one.value(), two.value(), one.value()
                if (first == again and second != first) or not first <= second <= again:
                    torn.append((first, second, again))
            except Exception as e:
                raised.append(e)
            count += 1
            if count % 200 == 0:
                time.sleep(0.0005)
        reads.append(count)

    threads = [threading.Thread(target=read) for _ in range(4)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(0.0001)
    try:
        for thread in threads:
            thread.start()
        for i in range(1, updates + 1):
            for path in paths:
                part = path.with_suffix(".part")
                part.write_text(source(i))
                os.replace(part, path)
            report = midflight.update([str(path) for path in paths])
            assert report.outcome == "committed", str(report)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(interval)
        for name in names:
            sys.modules.pop(name, None)
    assert not torn and not raised
    assert one.value() == two.value() == updates and min(reads) > 0
