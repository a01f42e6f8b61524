"""One measurement in a process of its own: child.py MODULE FUNCTION JSON-OF-ARGUMENTS.

What the function returns goes out as JSON. If it returns a function, that is called for each line that comes in, with
the number on it, and each answer goes out: so that two processes can take turns.
"""

import importlib
import json
import os
import sys


def main():
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)                                        # what tools print is not an answer
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    sys.dont_write_bytecode = True
    module, function, arguments = sys.argv[1:]
    answer = getattr(importlib.import_module(module), function)(**json.loads(arguments))
    if not callable(answer):
        print(json.dumps(answer), file=out, flush=True)
        return
    print('"ready"', file=out, flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(int(line))), file=out, flush=True)


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)                                          # tearing five million objects down says nothing
