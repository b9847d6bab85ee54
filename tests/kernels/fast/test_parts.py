"""Functions that kernels call: intermediate code in the kernels, and kernels of their own only for Python."""

import numba
import numpy as np
import pytest
from numba.core import errors

from minigooglenet.kernels.fast import jit
from minigooglenet.kernels.fast.jit import compiled


def kernel_and_part():
    """Return (a kernel, a function that it calls with an integer and with two literals), neither compiled yet."""

    @compiled
    def part(x, step):
        for i in range(len(x)):
            x[i] += step
        return x[0]

    @compiled
    def kernel(x, step):
        return part(x, step) + part(x, 2) + part(x, 3)

    return kernel, part


def compilations(function, *arguments):
    with jit.Counter() as counter:
        function(*arguments)
    return counter.count


def test_part_is_compiled_once_for_all_literals():
    kernel, part = kernel_and_part()
    x = np.zeros(4)
    assert compilations(kernel, x, 1) == 2
    assert x.tolist() == [6.0] * 4
    assert kernel(x, 1) == 7 + 9 + 12
    assert compilations(kernel, x, 1) == 0
    assert part.signatures == []


def test_only_the_kernel_is_kept(monkeypatch):
    kernel, part = kernel_and_part()
    kept = []
    for function in (kernel, part):
        monkeypatch.setattr(function._cache, "save_overload", lambda sig, _, function=function: kept.append(function))
        monkeypatch.setattr(function._cache, "load_overload", lambda *_: None)
    kernel(np.zeros(4), 1)
    assert kept == [kernel]


@pytest.mark.parametrize("python_first", [True, False])
def test_python_can_call_a_part(python_first):
    kernel, part = kernel_and_part()
    for _ in range(2):
        if python_first:
            assert part(np.zeros(4), 5) == 5
        assert kernel(np.zeros(4), 5) == 5 + 7 + 10
        python_first = True


def test_functions_of_users_can_call_a_kernel():
    kernel, part = kernel_and_part()

    @numba.njit
    def mine(x):
        return kernel(x, 1) + part(x, 4)

    assert mine(np.zeros(4)) == 1 + 3 + 6 + 10


def test_wrong_types_in_a_part_raise():
    kernel, _ = kernel_and_part()
    with pytest.raises(errors.TypingError, match="No implementation of function"):
        kernel(np.zeros(4), "one")
