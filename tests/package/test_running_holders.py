"""Functions that share a code object are all found, however many frames of it are running."""

import importlib
import sys
import threading
import types

import midflight

SOURCE = """
def loop(call, depth):
    if depth:
        return loop(call, depth - 1)
    call()
    return {value}
"""


def prepare(tmp_path, monkeypatch, name):
    path = tmp_path / f"{name}.py"
    path.write_text(SOURCE.format(value=1))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    midflight.start(roots=[str(tmp_path)])
    module = importlib.import_module(name)
    monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, name, module)

    def update(value):
        path.write_text(SOURCE.format(value=value))
        report = midflight.update([str(path)])
        assert report.outcome == "committed", str(report)
    return module, update


def nothing():
    pass


def test_a_twin_besides_frames(tmp_path, monkeypatch):
    module, update = prepare(tmp_path, monkeypatch, "holders_one")
    twin = types.FunctionType(module.loop.__code__, vars(module))
    module.loop(lambda: update(2), 5)
    assert module.loop(nothing, 0) == twin(nothing, 0) == 2
    update(3)
    assert module.loop(nothing, 3) == twin(nothing, 3) == 3


def test_twins_besides_frames_of_threads(tmp_path, monkeypatch):
    module, update = prepare(tmp_path, monkeypatch, "holders_two")
    twins = [types.FunctionType(module.loop.__code__, vars(module)) for _ in range(3)]
    inside, go = threading.Barrier(4), threading.Event()

    def wait():
        inside.wait(10)
        go.wait(10)
    threads = [threading.Thread(target=module.loop, args=(wait, depth)) for depth in (0, 4, 9)]
    for thread in threads:
        thread.start()
    inside.wait(10)
    update(2)
    go.set()
    for thread in threads:
        thread.join()
    assert [twin(nothing, 1) for twin in twins] == [2, 2, 2] and module.loop(nothing, 1) == 2
