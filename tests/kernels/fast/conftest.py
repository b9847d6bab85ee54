"""Compiled code needs Numba: without it, the files in this folder are skipped before they are imported."""

import pytest
from numeric import NEEDS_NUMBA


class Skipped(pytest.Module):
    """A test file that is not imported."""

    def collect(self):
        pytest.skip(NEEDS_NUMBA)


def pytest_pycollect_makemodule(module_path, parent):
    return Skipped.from_parent(parent, path=module_path) if NEEDS_NUMBA else None
