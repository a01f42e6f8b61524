"""test_leaks.py -- repeated updates leave nothing behind: tests/leaks/rounds.py on some cases of each kind; with MIDFLIGHT_TEST_ALL=1
(make test-all) on all cases that have the form of a program, each in one kind, with MIDFLIGHT_TEST_ALL=levers (make test-levers) in all four.

Every build counts the objects, classes and memory blocks that are alive, and what only the collector frees; a debug build references, too.
"""
import concurrent.futures
import functools
import json
import os
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import runner  # noqa: E402

ROUNDS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "leaks", "rounds.py")
KINDS = ("identity", "edits", "rejected", "undone")
SOME = ("fn_signature_changed", "fn_decorator_added", "fn_cache_cleared", "cls_dataclass_fields", "cls_enum_values",
        "cls_bases_changed_same_layout", "data_dict_three_way", "imp_star_chain", "reg_decorator_line_removed", "step_member_runs_alone",
        "step_deleted_after_the_loop", "layout_new_instances_of_it")
ASK = "import sys; from midflight import _engine; _engine.lever('identity', 0)"
DEBUG = hasattr(sys, "gettotalrefcount")
COUNTED = ("objects", "classes", "blocks", *(("references",) if DEBUG else ()))
MOST = 0.1      # per round: a leak adds one to each
CELLS = sys.version_info >= (3, 14)     # annotations read a class's namespace by a cell in it: a cycle without a class


def is_program(name):
    """Can it be updated there and back, by its files alone?"""
    folder = os.path.join(runner.CASES, name)
    meta = runner.load_cases([name])[name]
    with open(os.path.join(folder, "drive.py"), encoding="utf-8") as f:
        drive = f.read()
    paths = {os.path.relpath(os.path.join(root, file), folder + "/after") for root, _, files in os.walk(folder + "/after") for file in files}
    old = all(os.path.exists(os.path.join(folder, "before", path)) for path in paths)
    return old and "def apply" not in drive and "start" not in meta and not os.path.exists(folder + "/after/DELETED") and not (
        {"min_python", "max_python"} & set(meta))


def chosen():
    asked = os.environ.get("MIDFLIGHT_TEST_ALL", "")
    names = SOME if asked in ("", "0") else list(filter(is_program, runner.load_cases(["*"])))
    return [(kind, name) for i, name in enumerate(names) for kind in KINDS
            if asked == "levers" or i % len(KINDS) == KINDS.index(kind) or (names is SOME and kind == "edits")]


@functools.cache
def engine_has_levers():
    return subprocess.run([sys.executable, "-c", ASK], capture_output=True).returncode == 0


JOBS = chosen()
_pool = concurrent.futures.ThreadPoolExecutor(2)
_running = {}


def run(job):
    return subprocess.run([sys.executable, ROUNDS, *job], capture_output=True, text=True, timeout=200)


def result_of(job):
    """Keeps the next job in work beside the one asked for."""
    at = JOBS.index(job)
    for each in JOBS[at:at + 2]:
        if each not in _running:
            _running[each] = _pool.submit(run, each)
    return _running[job].result()


@pytest.mark.parametrize("kind, name", JOBS, ids=lambda part: part)
def test_nothing_stays(kind, name):
    if kind == "identity" and not engine_has_levers():
        return
    done = result_of((kind, name))
    assert done.returncode == 0, done.stderr[-3000:]
    result = json.loads(done.stdout.splitlines()[-1])
    assert not [what for what in COUNTED if result["growth"][what] > MOST], result
    garbage = result["garbage"]
    assert garbage["objects"] <= MOST or garbage["classes"] >= 1 or CELLS, result    # what no class has held, a reference count frees


def test_some_are_programs():
    assert all(map(is_program, SOME))
