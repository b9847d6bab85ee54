"""The fast kernels for processors with shorter registers, built in a separate process."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import sys

import llvmlite.binding

features = llvmlite.binding.get_host_cpu_features()
for name in features:
    if name.startswith(sys.argv[2]):
        features[name] = False
llvmlite.binding.get_host_cpu_features = lambda: features

import numpy as np

from minigooglenet.kernels import conv2d
from minigooglenet.kernels.fast import microkernel

assert microkernel.VECTOR_BYTES <= int(sys.argv[1]), microkernel.VECTOR_BYTES
rng = np.random.default_rng(0)
x, weight, bias = (rng.standard_normal(shape) for shape in ((2, 9, 7, 10), (11, 9, 3, 3), (11,)))


def check(form, x, weight, bias, *settings):
    y = conv2d.forward(x, weight, bias, *settings, "loops")
    expected = y, *conv2d.backward(y, x, weight, bias, *settings, "loops")
    single = [a.astype(np.float32) for a in (y, x, weight, bias)]
    results = conv2d.forward(*single[1:], *settings, form), *conv2d.backward(*single, *settings, form)
    for value, right in zip(results, expected, strict=True):
        assert np.abs(value - right).max() < 4e-5 * np.abs(right).max()


check("numba", x, weight, bias, 1, 1, 1)
check("winograd", x, weight, bias, 1, 1, 1)
check("auto", x, weight[:9, :1], bias[:9], 1, 1, 9)  # direct
check("auto", x, weight[:6, :3], bias[:6], 2, 1, 3)  # direct, two filters together
print("agrees")
"""


@pytest.mark.skipif(sys.platform == "darwin", reason="Apple's processors have registers of one size")
@pytest.mark.parametrize(("size", "without"), [("32", "avx512")])
def test_shorter_registers_give_the_same_results(size, without, tmp_path):
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM, size, without],
        env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert process.stdout == "agrees\n", process.stderr
