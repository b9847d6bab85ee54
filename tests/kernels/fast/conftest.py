"""The optimised machinery needs Numba; without it these files are not collected."""

from minigooglenet.kernels import forms

collect_ignore_glob = ["test_*.py"] if forms.why_not_fast() else []
