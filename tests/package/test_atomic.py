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


def test_others_run_while_a_big_update_is_planned(tmp_path, monkeypatch):
    """What is compiled for a long time is compiled with pauses; what others see of it is whole all the same."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def source(value):
        return "".join(f"def value{k}():\n    total = 0\n    for x in range(3):\n        total += x\n    return {value}\n\n\n" for k in range(400))

    path = tmp_path / "atomic_big.py"
    path.write_text(source(0))
    midflight.start(roots=[str(tmp_path)])
    big = importlib.import_module("atomic_big")
    stop, torn, inside = threading.Event(), [], []

    def read():
        while not stop.is_set():
            first, second, again = big.value0(), big.value399(), big.value0()
            if first == again and second != first:
                torn.append((first, second, again))
            status = midflight.status()
            if status["number"] != status["running"]:
                inside.append(status["number"])

    thread = threading.Thread(target=read)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(0.0001)
    try:
        thread.start()
        for i in range(1, 8):
            part = path.with_suffix(".part")
            part.write_text(source(i))
            os.replace(part, path)
            report = midflight.update([str(path)])
            assert report.outcome == "committed" and len(report.changed) == 400, str(report)
    finally:
        stop.set()
        thread.join()
        sys.setswitchinterval(interval)
        sys.modules.pop("atomic_big", None)
    assert not torn
    assert inside, "nobody ran in the middle of an update"
