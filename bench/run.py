"""The benchmark: every row of the budgets beside the peers and the floors, in one run. `make bench`, or bench/run.py --quick.

In: nothing but the interpreter it runs under, with midflight and the peers installed. Out: RESULTS.md and results.json beside it.
"""

import argparse
import json
import os
import platform
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import rows  # noqa: E402
import table  # noqa: E402
import tools  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds and smaller crowds; under a minute")
    parser.add_argument("--only", default="", help="measure these groups of rows, keep the others of the last run (with commas between): " + ", ".join(rows.GROUPS))
    parser.add_argument("--out", default=HERE, help="folder of RESULTS.md and results.json")
    options = parser.parse_args()
    wanted = [name for name in options.only.split(",") if name] or list(rows.GROUPS)
    os.makedirs(options.out, exist_ok=True)              # not at the end of what has taken minutes
    names, begun = tools.present(), time.time()
    results = last(options) if options.only else {}
    for name in wanted:
        since = time.time()
        try:
            results[name] = rows.GROUPS[name](options.quick, names)
        except Exception as e:                           # one group that cannot be measured leaves the others
            results[name] = {"error": "%s: %s" % (type(e).__name__, str(e).strip().splitlines()[-1])}
            print(e, file=sys.stderr)
        print("%-12s %5.1f s" % (name, time.time() - since), file=sys.stderr, flush=True)
    about = {"python": platform.python_version(), "processors": os.cpu_count(), "load": os.getloadavg()[0], "quick": options.quick,
             "seconds": time.time() - begun, "only": bool(options.only), "tools": {n: version(n) for n in names}, "when": time.strftime("%Y-%m-%d")}
    results = {name: results[name] for name in rows.GROUPS if name in results}
    with open(os.path.join(options.out, "results.json"), "w", encoding="utf-8") as stream:
        json.dump({"about": about, "results": results}, stream, indent=1)
    text = table.markdown(about, results)
    with open(os.path.join(options.out, "RESULTS.md"), "w", encoding="utf-8") as stream:
        stream.write(text)
    print(text)
    return 1 if any("error" in result for result in results.values()) else 0


def last(options):
    try:
        with open(os.path.join(options.out, "results.json"), encoding="utf-8") as stream:
            return json.load(stream)["results"]
    except OSError:
        return {}


def version(name):
    import importlib.metadata
    return importlib.metadata.version({"autoreload": "ipython", "pydevd": "debugpy"}.get(name, name)) if name != "reload" else ""


if __name__ == "__main__":
    sys.exit(main())
