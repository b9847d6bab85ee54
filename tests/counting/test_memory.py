"""The peak memory of an inference by part, compared with arithmetic and with a real process."""

import json
import os
import platform
import subprocess
import sys

import pytest
from numeric import needs_numba

import minigooglenet as mg
from minigooglenet.kernels import compiled
from minigooglenet.layers import Concat, Conv2d, ReLU


def branches():
    g = mg.Graph(image=(1, 4, 4))  # 64 bytes
    a = g.add("a", Conv2d(1, 2, 1), "image")  # 128 bytes
    b = g.add("b", ReLU(), "image")  # 64 bytes
    return g, g.add("c", Concat(), a, b)  # 192 bytes


def test_peak_holds_the_input_and_every_wire_still_read():
    g, c = branches()
    assert g.schedule([c]) == [("a", []), ("b", ["image"]), ("c", ["a", "b"])]
    assert mg.count(g).peak_wire_bytes == 128 + 64 + 192
    assert mg.count(g).memory() == ("c", 64, 128 + 64 + 192, 0, 0)  # the caller keeps the image during the call
    assert mg.count(g).peak_bytes == 64 + 128 + 64 + 192


def test_peak_of_a_batch_multiplies_inputs_and_wires():
    g, _ = branches()
    assert mg.count(g).memory(batch=3).total == 3 * (64 + 128 + 64 + 192)


@needs_numba
def test_transformed_weights_are_counted_when_winograd_is_chosen():
    counted = mg.count(Conv2d(32, 64, 3, padding=1, init="zeros"), (32, 12, 12))
    assert counted.memory(batch=1).transformed_weights == 0  # 9 tiles of 4 x 4 outputs: too few
    panel = compiled.fast().gemm.PANEL_ROW // 4
    assert counted.memory(batch=4).transformed_weights == 36 * -(-64 // panel) * panel * 32 * 4  # in whole panels


@needs_numba
def test_workspace_grows_with_the_threads_that_have_work():
    counted = mg.count(Conv2d(3, 8, 5, padding=2, init="zeros"), (3, 40, 40))
    one, two, many = (counted.memory(batch=2, threads=n).workspace for n in (1, 2, 1000))
    assert 0 < one < two
    assert counted.memory(batch=2, threads=2000).workspace == many


def test_im2col_counts_its_columns():
    counted = mg.count(Conv2d(3, 8, 3, algorithm="im2col", init="zeros"), (3, 10, 10))
    assert counted.memory(batch=2).workspace == 2 * 4 * (3 * 9 * 64 + max(3 * 100, 8 * 64))


@needs_numba
def test_dilation_needs_larger_planes_and_no_transformed_weights():
    plain = mg.count(Conv2d(32, 64, 3, padding=1, init="zeros"), (32, 12, 12)).memory(batch=4)
    dilated = mg.count(Conv2d(32, 64, 3, padding=2, dilation=2, init="zeros"), (32, 12, 12)).memory(batch=4)
    assert plain.transformed_weights > 0 == dilated.transformed_weights
    assert dilated.workspace == 4 * 32 * 16 * 16  # planes of 16 x 16 values for each channel, in float32


@needs_numba
def test_text_names_the_node_and_every_part():
    text = str(mg.count(mg.models.vgg16(init="zeros")).memory())
    assert "at 'conv4_2/3x3'" in text
    assert "of transformed weights" in text
    assert "of workspace" in text


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "2", True])
def test_wrong_batch_is_rejected(wrong):
    g, _ = branches()
    with pytest.raises((TypeError, ValueError), match="batch must be"):
        mg.count(g).memory(batch=wrong)


MEASURE = """
import ctypes, json, sys
import numpy as np
import minigooglenet as mg
from minigooglenet.bench import memory

name, batch, threads = json.loads(sys.argv[1])
mg.set_num_threads(threads)
g = mg.models.build(name, init="zeros")
x = np.ones((batch, *g.inputs["image"]), np.float32)
g(x)
taken = []
for _ in range(5):  # in some calls one thread has freed its buffers before the other one begins
    ctypes.CDLL(None).malloc_trim(0)
    memory.forget_peak()
    before = memory.resident()[0]
    g(x)
    taken.append(memory.resident()[1] - before + x.nbytes)
print(max(taken), mg.count(g).memory(batch, threads).total)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs Linux to reset the peak, and glibc to trim")
@pytest.mark.parametrize(("name", "batch", "threads"), [("nin", 2, 1), ("nin", 8, 2), ("alexnet", 2, 2)])
def test_counted_peak_is_what_a_process_takes(name, batch, threads):
    command = [sys.executable, "-c", MEASURE, json.dumps([name, batch, threads])]
    # Large blocks are returned to the system when freed, so the resident memory is the allocated memory.
    environment = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_ARENA_MAX": "1", "MINIGOOGLENET_LIVE": "0"}
    run = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | environment)
    measured, counted = map(int, run.stdout.split()[-2:])
    assert abs(measured / counted - 1) < 0.1
