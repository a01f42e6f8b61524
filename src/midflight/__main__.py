"""`python -m midflight` is the command `midflight`."""

import os
import sys

if __name__ == "__main__":
    if not sys.flags.safe_path:        # not the working folder: a file there shall not stand in for what we import
        sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    from .cli import main

    code = main()
    if code:                           # under `python -i` even exit code 0 would be shown as an exception
        sys.exit(code)
