"""Numba cannot be imported in a process whose PYTHONPATH begins with this folder, or in a child that inherits it.

PYTHONPATH=tests/without_numba pytest tests/kernels tests/layers   # the tests of the engine, on the NumPy storey
"""

import os
import sys
from pathlib import Path


class Blocked:
    """An import finder that comes first and rejects Numba."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("numba", "llvmlite"):
            raise ModuleNotFoundError(f"No module named {name!r}")


sys.meta_path.insert(0, Blocked())
_here, _, _others = os.environ.get("PYTHONPATH", "").partition(os.pathsep)
if _here:  # a child may start in another folder
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(Path(__file__).parent), _others)))
