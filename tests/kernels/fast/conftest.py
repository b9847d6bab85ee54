"""The optimised machinery needs Numba; without it these files are not collected."""

from minigooglenet.kernels import compiled

collect_ignore_glob = ["test_*.py"] if compiled.why_not_fast() else []
