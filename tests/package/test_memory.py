"""No memory for what an update asks first: it says so."""

import sys
import textwrap

from helpers import finish, write

SCRIPT = """
    import lib, midflight
    try:
        from _testcapi import remove_mem_hooks, set_nomemory
    except ImportError:  # a Python without its own tests
        remove_mem_hooks = set_nomemory = lambda *_: None
    midflight.start(roots=["."])
    for number in range(8):
        set_nomemory(number, number + 1)
        try:
            said = midflight.plan().outcome
        except MemoryError:
            said = "no memory"
        finally:
            remove_mem_hooks()
        print(number, said)
    """


def test_a_request_without_memory_says_so(tmp_path):
    """Each of its first allocations fails, also of the frames that are looked at."""
    write(tmp_path, {"pyproject.toml": "", "lib.py": "x = 1\n"})
    code, out, err = finish([sys.executable, "-c", textwrap.dedent(SCRIPT)], tmp_path)
    assert code == 0 and len(out.splitlines()) == 8, (out, err)
