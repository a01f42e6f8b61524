"""`python -m midflight` is the command `midflight`."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
