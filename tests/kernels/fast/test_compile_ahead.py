"""A first image compiles its kernels in several processes, and in one if anything goes wrong with the others."""

import json
import os
import subprocess
import sys
import time

import pytest

from minigooglenet.kernels.fast import compile_ahead
from minigooglenet.parallel import affinity

PROGRAM = """
import json, sys
import numpy as np
from numba.core import event
import minigooglenet as mg
from minigooglenet.kernels.fast import compile_ahead, first_kernels
from minigooglenet.parallel import affinity

compiled = []

class Listener(event.Listener):
    def on_start(self, event):
        compiled.append(event.data["dispatcher"].py_func.__name__)
    def on_end(self, event):
        pass

event.register("numba:compile", Listener())
affinity.everywhere = lambda: {0, 1}
affinity.move_to = lambda processors: None
g = mg.Graph(image=(3, 24, 24))
g.add("first", mg.layers.Conv2d(3, 8, 1, rng=0), "image")
g.add("second", mg.layers.Conv2d(8, 8, 3, padding=1, rng=1), "first")
x = np.random.default_rng(0).standard_normal((1, 3, 24, 24)).astype(np.float32)
y = g(x)
with mg.use("numpy"):
    assert np.abs(g(x) - y).max() < 1e-5 * np.abs(y).max()
print(json.dumps([sorted(compiled), len(compile_ahead._started)]))
"""


CALLS = """
import json
from numba.core.dispatcher import Dispatcher
from minigooglenet.kernels.fast import compile_ahead, first_kernels

called, by_type = set(), Dispatcher._compile_for_args

def recorded(self, *given, **more):
    called.add(compile_ahead._name(self.py_func))
    return by_type(self, *given, **more)

Dispatcher._compile_for_args = recorded
parts = []
for compile_part in first_kernels.PARTS:
    called.clear()
    compile_part()
    parts.append(sorted(name for name in called if not name.startswith("subnormals")))
print(json.dumps(parts))
"""


def run(cache, **variables):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache), "MINIGOOGLENET_PIN": "0", **variables}
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=600, check=True
    )
    return json.loads(process.stdout)


def test_another_process_compiles_the_kernels_of_winograd(tmp_path):
    kernels, helpers = run(tmp_path)
    assert helpers == 1
    assert "_convolve_parts" in kernels
    assert "_convolve_block" not in kernels
    assert run(tmp_path)[1] == 0  # all kernels are cached, so no process was started
    (block,) = tmp_path.rglob("*_convolve_block*")
    block.unlink()
    kernels, helpers = run(tmp_path, MINIGOOGLENET_COMPILE_AHEAD="0")
    assert "_convolve_block" in kernels
    assert helpers == 0


def test_parts_compile_the_kernels_that_they_announce():
    process = subprocess.run(
        [sys.executable, "-c", CALLS], capture_output=True, text=True, timeout=600, check=True, env=dict(os.environ)
    )
    called = json.loads(process.stdout)
    assert called == list(map(sorted, compile_ahead.PARTS))


@pytest.fixture
def started(monkeypatch):
    """Helpers that this test starts, with the program that it chooses."""
    helpers = []
    monkeypatch.setattr(compile_ahead, "_started", helpers)
    yield helpers
    for helper in helpers:
        helper.close()


def wait_for(name, load):
    def kernel():
        """Stand for a kernel of this name."""

    kernel.__module__, kernel.__qualname__ = name.split(".")
    return compile_ahead.wait_for(kernel, load)


def test_kernel_is_taken_as_soon_as_it_is_cached(started, monkeypatch):
    monkeypatch.setattr(compile_ahead, "PROGRAM", "import time; time.sleep(600)")
    monkeypatch.setattr(affinity, "everywhere", lambda: {0, 1})
    assert wait_for("implicit_gemm._convolve_parts", lambda: None) is None
    (helper,) = started
    found = iter([None, None, "code"])
    assert wait_for("winograd._convolve_block", lambda: next(found)) == "code"
    assert wait_for("relu._forward", lambda: pytest.fail("no process compiles it")) is None
    helper.close()
    assert helper.process.returncode is not None
    assert not os.path.exists(helper.folder.name)  # noqa: PTH110


def test_process_that_fails_leaves_the_kernel_to_this_one(started, monkeypatch):
    monkeypatch.setattr(compile_ahead, "PROGRAM", "raise SystemExit(1)")
    monkeypatch.setattr(affinity, "everywhere", lambda: {0, 1})
    wait_for("implicit_gemm._convolve_parts", lambda: None)
    begun = time.monotonic()
    assert wait_for("winograd._convolve_block", lambda: None) is None
    assert time.monotonic() - begun < 60
    assert started[0].process.returncode == 1


@pytest.mark.parametrize(("processors", "helpers"), [(1, 0), (2, 1), (3, 2), (64, 2)])
def test_helpers_leave_a_processor_to_this_process(processors, helpers, started, monkeypatch):
    monkeypatch.setattr(compile_ahead, "PROGRAM", "pass")
    monkeypatch.setattr(affinity, "everywhere", lambda: set(range(processors)))
    wait_for("implicit_gemm._convolve_parts", lambda: None)
    assert len(started) == helpers
    names = [name for helper in started for name in helper.names]
    assert sorted(names) == (sorted(sum(compile_ahead.PARTS, ())) if helpers else [])


def test_system_without_more_processes_is_no_error(started, monkeypatch):
    def refuse(*_, **__):
        raise OSError("no more processes")

    monkeypatch.setattr(compile_ahead.children, "start", refuse)
    monkeypatch.setattr(affinity, "everywhere", lambda: {0, 1})
    assert wait_for("implicit_gemm._convolve_parts", lambda: None) is None
    assert started == []


def test_switch_must_be_zero_or_one(started, monkeypatch):
    monkeypatch.setenv("MINIGOOGLENET_COMPILE_AHEAD", "no")
    with pytest.raises(ValueError, match="MINIGOOGLENET_COMPILE_AHEAD must be 0 or 1, got 'no'"):
        wait_for("implicit_gemm._convolve_parts", lambda: None)
