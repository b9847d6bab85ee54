"""What the engine changes in a thread and in BLAS is as before: after interrupts, the first call, forks and imports."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import minigooglenet as mg
from minigooglenet import parallel
from minigooglenet.parallel import affinity, blas, holds

INTERRUPTED = Path(__file__).parents[1] / "faults" / "interrupted.py"
FIRST_CALL = """
import os, threadpoolctl, numpy as np, minigooglenet as mg
mg.set_num_threads(2)
mg.models.mini_googlenet(size=32, width=0.25, rng=0)(np.zeros((2, 3, 32, 32), np.float32))
first = {library["filepath"]: library["num_threads"] for library in threadpoolctl.threadpool_info()}
print(min(first.values()), len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0)
"""


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=300, env={**os.environ, **environment}
    )


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timers that interrupt")
def test_interrupts_leave_no_state():
    child = run(str(INTERRUPTED), "400", "3")
    assert child.returncode == 0, child.stderr[-2000:]
    outcome = json.loads(child.stdout.splitlines()[-1])
    assert outcome == {"interrupts": 400, "left": [], "times left": 0, "wrong": 0}


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2 if hasattr(os, "sched_getaffinity") else True, reason="one core")
def test_every_blas_has_its_threads_after_the_first_call():
    child = run("-c", FIRST_CALL, **{f"{name}_NUM_THREADS": "" for name in ("OMP", "OPENBLAS", "MKL")})
    assert child.stdout.split() == [str(len(os.sched_getaffinity(0)))] * 2, child.stdout + child.stderr[-2000:]


def test_a_library_that_was_loaded_by_a_pinned_thread_gets_its_threads(monkeypatch):
    class Library:
        per_caller, count = False, 1

        def get(self):
            return self.count

        def set(self, count):
            self.count = count

    known, loaded = (Library(),), Library()
    monkeypatch.setattr(blas, "libraries", lambda: (*known, loaded))
    for name in ("OPENBLAS", "GOTO", "MKL", "BLIS", "OMP"):
        monkeypatch.delenv(f"{name}_NUM_THREADS", raising=False)
    blas.correct(known, 8)
    assert (known[0].count, loaded.count) == (1, 8)
    loaded.count = 1
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    blas.correct(known, 8)
    assert loaded.count == 3


def test_libraries_are_listed_again_after_an_import(monkeypatch):
    before = blas.libraries()
    assert blas.libraries() is before
    monkeypatch.setitem(sys.modules, "a_module_that_was_imported", sys)
    assert blas.libraries() is not before
    assert [library.path for library in blas.libraries()] == [library.path for library in before]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only where processes fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_forked_by_a_task_has_the_state_of_outside(own_threads):
    mg.set_num_threads(2)
    register, everywhere = mg.kernels.compiled.fast().subnormals, affinity.allowed()
    outside, codes = register.read() & register.BITS, []

    def task():
        child = os.fork()
        if child == 0:
            os._exit(affinity.allowed() != everywhere or (register.read() & register.BITS) != outside)
        codes.append(os.waitpid(child, 0)[1])

    parallel.run([task] * 4)
    assert codes == [0] * 4


def test_pinning_can_be_switched_off(own_threads, monkeypatch):
    mg.set_num_threads(2)
    before, everywhere = affinity.get_pinning(), affinity.allowed()
    try:
        affinity.set_pinning(False)
        seen = []
        parallel.run([lambda: seen.append(affinity.allowed())] * 4)
        assert set(seen) == {everywhere}
    finally:
        affinity.set_pinning(before)


@pytest.mark.parametrize(("given", "expected"), [("0", False), ("1", True), ("", True), (" 0 ", False)])
def test_the_environment_switches_pinning(monkeypatch, given, expected):
    monkeypatch.setattr(affinity, "_wanted", None)
    monkeypatch.setenv("MINIGOOGLENET_PIN", given)
    assert affinity.get_pinning() is expected


def test_a_wrong_setting_of_pinning_is_rejected(monkeypatch):
    monkeypatch.setattr(affinity, "_wanted", None)
    monkeypatch.setenv("MINIGOOGLENET_PIN", "no")
    with pytest.raises(ValueError, match="MINIGOOGLENET_PIN must be 0 or 1, got 'no'"):
        affinity.get_pinning()
    with pytest.raises(TypeError, match="True or False"):
        affinity.set_pinning(1)


def test_a_hold_is_undone_once_by_its_last_reference():
    calls = []
    hold = holds.held([lambda: calls.append("first"), lambda: calls.append("second")])
    with holds.within(hold):
        del hold
        assert calls == []
    assert calls == ["first", "second"]


def test_old_name_of_computing_still_works():
    with pytest.warns(DeprecationWarning, match="now parallel.computing"), parallel.one_blas_thread():
        pass
