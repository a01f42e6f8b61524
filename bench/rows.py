"""The groups of rows: each starts its children and condenses what they measured. Times in seconds, unless the name says else.

A group gets (quick, names of the tools) and returns a dict that table.py knows how to show.
"""

import math
import os
import time

import programs
from harness import Child, exponent, median, once, p99, pairs, spread

SIZES = (100, 1000, 10000)


def cell(times):
    return {"median": median(times), "least": min(times), "count": len(times)}


def together(answers):
    out = {}
    for got in answers:
        for key, times in got.items():
            out.setdefault(key, []).extend(times)
    return out


def medians(got):
    return {key: median(times) for key, times in got.items()}


def latency(quick, names):
    out = {"floors": {}, "tools": {}}
    count, seconds = (20, 0.3) if quick else (200, 2)
    for lines in SIZES:
        floors = once("edits", "floors", lines=lines, count=count, seconds=seconds)
        out["floors"][lines] = {name: median(times) for name, times in floors.items()}
    for name in names:
        for place in ("middle", "top"):
            for lines in SIZES:
                if quick and name != "midflight" and (place == "top" or lines == 10000):
                    out["tools"].setdefault(name, {}).setdefault(place, {})[lines] = {"error": "not in quick mode"}
                    continue
                try:
                    got = cell(once("edits", "one_function", tool=name, lines=lines, place=place, count=count, seconds=seconds))
                except RuntimeError as e:
                    got = {"error": str(e).strip().splitlines()[-1]}
                out["tools"].setdefault(name, {}).setdefault(place, {})[lines] = got
    mine = out["tools"]["midflight"]
    out["exponent"] = {place: exponent(SIZES, [mine[place][n]["median"] for n in SIZES]) for place in mine}
    return out


def scale(quick, names):
    """Several pairs of processes, started in either order: where its memory comes to lie makes one process half as fast again as
    another. Beside them pairs of two that have nothing beside: what of a difference is chance."""
    kinds = [("objects", "f27"), ("objects, aged", "f27"), ("modules", "f27"), ("importers", "f27"), ("instances", "C5.m2"), ("", "f27")]

    def pair(kind, edited, turned):
        first, second = (kind, "") if turned else ("", kind)
        with Child("edits", "beside", kind=first, edited=edited) as one, Child("edits", "beside", kind=second, edited=edited) as other:
            base, beside = (other, one) if turned else (one, other)
            left, right, _ = pairs(base, beside, 10, 5)
        return median(left), median(right)

    out = {}
    for kind, edited in kinds[2:] if quick else kinds:
        got = [pair(kind, edited, i % 2) for i in range(2 if quick else 14)]
        lefts, rights = zip(*got)
        ratios = [right / left for left, right in got]
        out[kind or "nothing"] = {"base": median(lefts), "beside": median(rights),
                                  "ratio": spread([math.sqrt(one * two) for one, two in zip(ratios[::2], ratios[1::2])])}
    return out


def save(quick, names):
    """Saves: written in place, from just before the close of the file; the same when the text has been brought to the disk before the close, as
    Vim and VS Code do; and as others do it, from just before the rename, whose own time on the disk is then in it. Beside them two
    floors: a plain thread that waits for a pipe, and one that waits for the close, reads the file, compiles the function and calls it, in both ways."""
    count = 40 if quick else 300
    return {what: {way: saves(way, spin, count) for way in WAYS} for what, spin in (("idle", False), ("spinning", True))}


WAYS = {"close": {"extra": 100}, "bare": {"function": "bare"}, "synced": {"extra": 100}, "bare synced": {"function": "bare"}, "rename": {"extra": 100},
        "floor": {"function": "handover"}}


def saves(way, spin, count):
    took, missed = [], 0
    arguments = {"function": "watched", **WAYS[way]}
    with Child("live", spin=spin, **arguments) as child:
        assert child.answer() == "ready"
        path = os.path.join(child.root, "target.py")
        texts = [programs.text(1000, "f27", i) for i in range(count + 1)]
        pipe = open(path + ".part", "wb", buffering=0) if way == "floor" else None
        for i in range(1, count + 1):
            child.process.stdin.write("%d\n" % i)
            child.process.stdin.flush()
            time.sleep(0.01 + i % 7 * 0.001)
            if way == "floor":
                begun = time.monotonic_ns()
                pipe.write(b"%d" % i)
            elif way != "rename":
                stream = open(path, "w", encoding="utf-8")
                stream.write(texts[i])
                stream.flush()
                if way.endswith("synced"):
                    os.fsync(stream.fileno())
                begun = time.monotonic_ns()
                stream.close()
            else:
                with open(path + ".part", "w", encoding="utf-8") as stream:
                    stream.write(texts[i])
                begun = time.monotonic_ns()
                os.replace(path + ".part", path)
            moment = child.answer()
            if moment is None:
                missed += 1
            elif i > 3:                                  # the first looks for plug-ins
                took.append((moment - begun) / 1e9)
    if pipe:
            pipe.close()
    return {"p50": median(took), "p99": p99(took), "count": len(took), "missed": missed}


def idle(quick, names):
    seconds = 2 if quick else 5
    return {what: once("live", "idle", active=active, seconds=seconds, modules=200) for what, active in (("with", True), ("without", False))}


def statements(quick, names):
    out = {}
    count, seconds = (20, 0.5) if quick else (200, 2)
    for kind in ("constant", "decorated"):
        for name in names[:1] if quick else names:
            try:
                got = once("edits", "statement", tool=name, kind=kind, count=count, seconds=seconds)
            except RuntimeError as e:
                out.setdefault(kind, {})[name] = {"error": str(e).strip().splitlines()[-1]}
                continue
            out.setdefault(kind, {})[name] = {**cell(got["update"]), "compile": median(got["compile"])}
    return out


def torn(quick, names):
    out = {}
    for name in names:
        try:
            out[name] = once("live", "torn", tool=name, updates=200 if quick else 2000, seconds=1 if quick else 60 if name == "midflight" else 10)
        except RuntimeError as e:
            out[name] = {"error": str(e).strip().splitlines()[-1]}
    return out


def pause(quick, names):
    got = once("edits", "pause", functions=1000, count=8 if quick else 40)
    return {"said_ms": median(got["said"]), "gap": median(got["gap"]), "update": median(got["update"])}


def heap(quick, names):
    million = 0.2 if quick else 1
    count, size = 5 if quick else 15, int(million * 1e6)
    none, fresh, aged = (medians(once("edits", "walk", objects=n, aged=old, count=count)) for n, old in ((0, False), (size, False), (size, True)))
    per = {name: {key: (got[key] - none[key]) / million for key in got} for name, got in (("fresh", fresh), ("aged", aged))}
    return {"base": none["update"], **per}


def layout(quick, names):
    number, count = 50_000 if quick else 1_000_000, 3 if quick else 5
    out = {}
    for name, first in (("stays", ""), ("moves", " 'c',")):
        one, many = (medians(together(once("edits", "layout", instances=n, first=first) for _ in range(count))) for n in (1, number))
        out[name] = {key: (many[key] - one[key]) / number for key in many}
    return {"number": number, **out}


def steady(quick, names):
    """Two processes take turns, without midflight and then with it in one of them: how much that changes their ratio. So neither the place of
    what is measured, which makes one process some per cent faster than another, nor what else the machine does counts. Beside them pairs in
    which it becomes active in neither: what of a difference is chance."""
    def ratio(what, active):
        with Child("live", "steady", what=what) as off, Child("live", "steady", what=what) as other:
            *_, before = pairs(off, other, 8, 200_000)
            if active:
                other.ask(0)
            *_, after = pairs(off, other, 8, 200_000)
        return after[0] / before[0]

    out = {}
    for what in ("calls", "attributes"):
        ratios = {True: [], False: []}
        for i in range(3 if quick else 61):
            for active in ((True, False), (False, True))[i % 2]:
                ratios[active].append(ratio(what, active))
        out[what] = {"with": spread(ratios[True]), "chance": spread(ratios[False])}
    return out


def imports(quick, names):
    ratios, times = [], {True: [], False: []}
    for i in range(5 if quick else 25):
        got = {}
        for active in ((False, True), (True, False))[i % 2]:
            got[active] = once("live", "cold_import", active=active, modules=200)
            times[active].append(got[active])
        ratios.append(got[True] / got[False])
    return {"ratio": spread(ratios), "without": median(times[False]), "with": median(times[True])}


def memory(quick, names):
    few, many = (100, 500) if quick else (200, 2000)
    bytes_ = {(active, n): once("live", "memory", active=active, modules=n) for active in (False, True) for n in (few, many)}
    grown = {active: bytes_[active, many]["private"] - bytes_[active, few]["private"] for active in (False, True)}
    text = bytes_[True, many]["text"] - bytes_[True, few]["text"]
    return {"per_module": (grown[True] - grown[False] - text) / (many - few), "text": text / (many - few)}


def endless(quick, names):
    return {kind: endless_of(kind, 1000 if quick else 10_000) for kind in ("function", "constant")}


def endless_of(kind, updates):
    """What a tenth and all of the updates leave, and how long the last ones take beside a process that makes its tenth to hundredth."""
    with Child("live", "endless", kind=kind) as old, Child("live", "endless", kind=kind) as young:
        assert old.answer() == young.answer() == "ready"
        warm = max(110, updates // 10)                   # what is kept of the last updates is full by then
        old.ask(warm)
        before = old.ask(0)
        old.ask(updates - warm)
        after = old.ask(0)
        young.ask(10)
        early, late = [], []
        for i in range(30):
            for child, took in ((old, late), (young, early))[::1 if i % 2 else -1]:
                took.append(child.ask(3))
    objects, blocks, size = (b - a for a, b in zip(before, after))
    return {"objects": objects, "blocks": blocks, "bytes": size / (updates - warm), "ratio": spread([b / a for a, b in zip(early, late)]), "late": median(late)}


def first(quick, names):
    got = [once("live", "first") for _ in range(3)]
    return {"first": median(one[0] for one in got), "second": median(one[1] for one in got)}


GROUPS = {"latency": latency, "scale": scale, "save": save, "idle": idle, "statements": statements, "torn": torn, "pause": pause, "heap": heap, "layout": layout,
          "steady": steady, "imports": imports, "memory": memory, "endless": endless, "first": first}
