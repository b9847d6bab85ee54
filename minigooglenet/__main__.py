"""`python -m minigooglenet`: the command line."""

import sys

from minigooglenet.cli import main

if __name__ == "__main__":
    sys.exit(main())
