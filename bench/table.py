"""The results as RESULTS.md: the peers beside each other, then a row per budget. In: what rows.py measured. Out: text."""

import tools


def ms(seconds):
    value = seconds * 1e3
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def ratio(values):
    return "%.3f (%.3f ... %.3f)" % tuple(values)


def head(about):
    versions = ", ".join("%s %s" % (tools.LABELS[n], v) if v else tools.LABELS[n] for n, v in about["tools"].items())
    return f"""# Results

Written by `make bench` on {about["when"]}{", quick mode" if about["quick"] else ""}: CPython {about["python"]}, {about["processors"]} processors, load {about["load"]:.1f}; {versions}.
{"What is compared in a row ran together, the groups of rows one after the other" if about["only"] else f"All of it in one run of {about['seconds']:.0f} s"}, on a machine that may be doing other work: medians, and ratios of what ran in turns (with
quartiles), say something; single times of two runs do not compare. Times in ms. Every timed update was followed by a call that
had to show the new code.
"""


def failed(result):
    return "not measured: " + result["error"].rpartition("Error: ")[2]


def shortly(cell):
    return "no effect" if "no effect" in cell["error"] else "" if "quick" in cell["error"] else "failed"


def latency_table(got):
    lines = ["## Update after a one-function edit", "", "| | " + " | ".join(f"{place}, {n:,} lines" for place in ("middle", "top") for n in (100, 1000, 10000)) + " |",
             "| --- |" + " ---: |" * 6]
    for name, places in got["tools"].items():
        cells = [ms(c["median"]) if "median" in c else shortly(c) for place in ("middle", "top") for c in places[place].values()]
        lines.append(f"| {tools.LABELS[name]} | " + " | ".join(cells) + " |")
    for floor, label in (("file", "floor: compile of the file"), ("function", "floor: compile of the function"), ("read", "floor: read and hash")):
        cells = [ms(values[floor]) for values in got["floors"].values()]
        lines.append(f"| {label} | " + " | ".join(cells * 2) + " |")
    lines += ["", "The tool is told the path. top: the first function, with a line more or less, so that all that follows moves."]
    return lines


def latency_rows(got):
    mine = got["tools"]["midflight"]
    for lines, budget in (("1000", 0.15), ("10000", 0.4)):
        for place in ("middle", "top"):
            took = mine[place].get(int(lines)) or mine[place][lines]
            floor = (got["floors"].get(int(lines)) or got["floors"][lines])["function"]
            if "median" not in took:
                yield f"update, {int(lines):,} lines, {place}", f"{budget} ms", took["error"], False
                continue
            yield (f"update, {int(lines):,} lines, {place}", f"{budget} ms",
                   f"{ms(took['median'])} ms ({took['median'] / floor:.1f} times the compile of the function)", took["median"] <= budget / 1e3)
    for place, slope in got["exponent"].items():
        yield f"exponent in lines, {place}", "0.3", f"{slope:.2f}", slope <= 0.3


def scale_rows(got):
    labels = {"objects": "5M more objects", "objects, aged": "5M more objects, aged heap", "modules": "2,000 modules", "importers": "1,000 importers",
              "instances": "1M instances"}
    chance = f"; of two processes with nothing beside {ratio(got['nothing']['ratio'])}" if "nothing" in got else ""
    for kind, label in labels.items():
        if kind in got:
            one = got[kind]
            yield f"the same beside {label}", "1.1 of base", f"{ratio(one['ratio'])}; {ms(one['base'])} ms to {ms(one['beside'])} ms{chance}", one["ratio"][0] <= 1.1


def save_rows(got):
    def both(one):
        return f"p50 {ms(one['p50'])}, p99 {ms(one['p99'])} ms" + (f"; {one['missed']} missed" if one["missed"] else "")

    bare = "a bare thread that waits for it, reads the file, compiles that function and calls it"
    for what, budget, key, limit in (("idle", "p50 0.5 ms", "p50", 0.0005), ("spinning main thread", "p99 6 ms", "p99", 0.006)):
        of = got[what.split()[0]]
        yield (f"close of the written file to first call, {what}", budget, f"{both(of['close'])}; {bare}: {both(of['bare'])}; one that waits for a pipe: {both(of['floor'])}",
               of["close"][key] <= limit and not of["close"]["missed"])
        yield (f"close of the written and synced file to first call, {what}", budget, f"{both(of['synced'])}; {bare}: {both(of['bare synced'])}",
               of["synced"][key] <= limit and not of["synced"]["missed"])
        yield f"begin of a rename to first call, {what}", "", both(of["rename"]), None


def idle_rows(got):
    on, off = got["with"], got["without"]
    yield ("idle while watching", "0.0 %, one thread", f"{on['percent']:.2f} % (without {off['percent']:.2f}), {on['threads'] - off['threads']} thread more, "
           f"{on['switches']} switches (without {off['switches']})", on["percent"] < 0.05 and on["threads"] - off["threads"] == 1)


def statement_rows(got):
    for kind, by_tool in got.items():
        one = by_tool["midflight"]
        if "error" in one:
            yield f"edit of a {kind} statement", "compile + 0.2 ms", one["error"], False
            continue
        peers = ", ".join(f"{tools.LABELS[n]} " + (ms(c["median"]) if "median" in c else shortly(c))
                          for n, c in by_tool.items() if n != "midflight")
        yield (f"edit that runs a statement: {kind}", f"compile ({ms(one['compile'])}) + 0.2 ms", f"{ms(one['median'])} ms; {peers}",
               one["median"] <= one["compile"] + 0.0002)


def torn_rows(got):
    for name, one in got.items():
        if "error" in one:
            text, good = one["error"], False
        else:
            text = f"{one['torn']:,} torn, {one['exceptions']:,} exceptions in {one['reads']:,} reads, {one['updates']:,} updates" + ("" if one["right"] else ", old code at the end")
            good = not one["torn"] and not one["exceptions"] and one["right"]
        yield "torn reads of two modules" + ("" if name == "midflight" else f": {tools.LABELS[name]}"), "0" if name == "midflight" else "", text, good if name == "midflight" else None


def pause_rows(got):
    yield ("pause at the commit of 1,000 functions", "0.1 ms", f"{got['said_ms']:.3f} ms by the report; longest gap seen by another thread {ms(got['gap'])} ms "
           f"of an update of {ms(got['update'])} ms", got["said_ms"] <= 0.1)


def heap_rows(got):
    def beside(one):
        return f"{ms(one['update'])} ms; gc.collect() {ms(one['collect'])}, gc.get_referrers() {ms(one['referrers'])} ms"

    yield ("heap walk per 1M objects, in order of allocation", "16 ms", f"{beside(got['fresh'])} (the update without them {ms(got['base'])} ms)",
           got["fresh"]["update"] <= 0.016)
    yield "heap walk per 1M objects, aged heap", "100 ms", beside(got["aged"]), got["aged"]["update"] <= 0.1


def layout_rows(got):
    for name, what in (("stays", "room in the instances"), ("moves", "none: each is made anew, every reference follows")):
        one = {key: value * 1e6 for key, value in got[name].items()}
        yield (f"a new slot with a value for {got['number']:,} instances, {what}", "0.3 us each + walk",
               f"{one['update']:.2f} us each with the walk over them; gc.collect() {one['collect']:.3f}, gc.get_referrers() {one['referrers']:.3f} us each",
               one["update"] <= 0.3 + 0.016)


def steady_rows(got):
    for what, values in got.items():
        yield (f"{what} with midflight active", "1.00 +- 0.02", f"{ratio(values['with'])}; where it is active in neither process {ratio(values['chance'])}",
               abs(values["with"][0] - 1) <= 0.02)


def import_rows(got):
    yield "import of 200 modules from .pyc", "1.05", f"{ratio(got['ratio'])}; {ms(got['without'])} ms to {ms(got['with'])} ms", got["ratio"][0] <= 1.05


def memory_rows(got):
    yield "memory per module besides its text", "2 KiB", f"{got['per_module'] / 1024:.2f} KiB (text {got['text'] / 1024:.1f} KiB)", got["per_module"] <= 2048


def endless_rows(got):
    for kind, one in got.items():
        yield (f"many updates of one {kind}", "no objects, 0.1 KiB, 1.0", f"{one['objects']:+d} objects, {one['blocks']:+d} blocks, {one['bytes'] / 1024:.3f} KiB each; "
               f"the last take {ratio(one['ratio'])} of a process's first hundred, in turns ({ms(one['late'])} ms)",
               one["objects"] <= 0 and one["bytes"] <= 102.4 and one["ratio"][0] <= 1.1)


def first_rows(got):
    yield "first update of a process", "", f"{ms(got['first'])} ms, the second {ms(got['second'])} ms", None


ROWS = {"latency": latency_rows, "scale": scale_rows, "save": save_rows, "idle": idle_rows, "statements": statement_rows, "torn": torn_rows, "pause": pause_rows,
        "heap": heap_rows, "layout": layout_rows, "steady": steady_rows, "imports": import_rows, "memory": memory_rows, "endless": endless_rows, "first": first_rows}


def markdown(about, results):
    lines = [head(about)]
    if "tools" in results.get("latency", ()):
        lines += latency_table(results["latency"]) + [""]
    lines += ["## Budgets", "", "| | budget | measured | |", "| --- | --- | --- | --- |"]
    for name, got in results.items():
        if "error" in got:
            lines.append(f"| {name} | | {failed(got)} | **no** |")
            continue
        for label, budget, text, good in ROWS[name](got):
            lines.append(f"| {label} | {budget} | {text} | {'' if good is None else 'yes' if good else '**no**'} |")
    return "\n".join(lines) + "\n"
