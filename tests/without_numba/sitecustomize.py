"""Numba cannot be imported in a process, or a child of it, whose PYTHONPATH begins with this folder.

PYTHONPATH=tests/without_numba pytest tests/kernels tests/layers   # the tests of the engine, on the NumPy storey
"""

import sys


class Blocked:
    """An import finder that comes first and knows no Numba."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("numba", "llvmlite"):
            raise ModuleNotFoundError(f"No module named {name!r}")


sys.meta_path.insert(0, Blocked())
