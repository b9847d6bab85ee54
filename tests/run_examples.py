"""Run the examples in the docstrings of all public names, in one process; print what differs, and a count."""

import doctest
import sys

import numpy as np
from public_names import members

import minigooglenet as mg


def main():
    """Return the number of examples that failed."""
    finder, runner = doctest.DocTestFinder(recurse=False), doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    examples = 0
    for name, value in members().items():
        for test in finder.find(value, name, globs={"np": np, "mg": mg}):
            examples += len(test.examples)
            runner.run(test)
    print(f"{examples} examples")
    return runner.summarize(verbose=False).failed


if __name__ == "__main__":
    sys.exit(min(main(), 1))
