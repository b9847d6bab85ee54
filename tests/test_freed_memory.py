"""Freed memory stays in the process: a training step reuses the memory of the step before."""

import os
import subprocess
import sys

import numpy as np
import pytest

import minigooglenet as mg
from minigooglenet import freed_memory

STEPS = """
import resource, sys
import numpy as np, minigooglenet as mg
g = mg.models.mini_googlenet(3, size=64, width=0.5, rng=0)
x = np.ones((32, 3, 64, 64), np.float32)
for _ in range(5):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    logits, tape = g.forward({"image": x}, train=True)
    g.backward(logits, tape)
    del logits, tape
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(setting):
    """Return the page faults of the fifth of five training steps."""
    environment = {**os.environ, "MINIGOOGLENET_KEEP_MEMORY": setting, "MINIGOOGLENET_NUM_THREADS": "1"}
    child = subprocess.run([sys.executable, "-c", STEPS], capture_output=True, text=True, env=environment, timeout=300)
    assert child.returncode == 0, child.stderr
    return int(child.stdout)


@pytest.mark.skipif(not freed_memory.keep(True), reason="the C library returns freed memory as it likes")
def test_training_step_takes_no_new_memory_from_the_system():
    returned, kept = faults("0"), faults("1")
    assert returned > 1000
    assert kept < returned / 10


def test_wrong_setting_is_reported_before_computing(monkeypatch):
    monkeypatch.setenv("MINIGOOGLENET_KEEP_MEMORY", "yes")
    freed_memory.keep_if_wanted.cache_clear()
    g = mg.Graph(x=(3,))
    g.add("relu", mg.layers.ReLU(), "x")
    with pytest.raises(ValueError, match="MINIGOOGLENET_KEEP_MEMORY must be 0 or 1, got 'yes'"):
        g(np.ones((1, 3)))


@pytest.mark.parametrize(("variables", "kept"), [({}, True), ({"MALLOC_TRIM_THRESHOLD_": "1"}, False)])
def test_own_settings_of_the_c_library_come_first(variables, kept, monkeypatch):
    for name in ("MINIGOOGLENET_KEEP_MEMORY", *freed_memory.OWN_SETTINGS):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert freed_memory.wanted() == kept
    for given, wanted in (("0", False), ("1", True)):
        monkeypatch.setenv("MINIGOOGLENET_KEEP_MEMORY", given)
        assert freed_memory.wanted() == wanted


@pytest.mark.skipif(not freed_memory.keep(True), reason="the C library returns freed memory as it likes")
def test_zeros_of_a_huge_array_need_no_memory():
    resource = pytest.importorskip("resource")
    np.zeros(1 << 26)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(3):
        np.zeros(1 << 26)  # 512 MB
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < 1000


def test_memory_can_be_returned_again():
    able = freed_memory.keep(False)
    assert freed_memory.keep(True) == able
