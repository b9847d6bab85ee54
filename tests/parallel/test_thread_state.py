"""The state of threads and BLAS is restored after interrupts, the first call, forks and imports."""

import ast
import functools
import json
import os
import signal
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import pytest
from numeric import needs_numba

import minigooglenet as mg
from minigooglenet import parallel
from minigooglenet.parallel import affinity, blas, holds, state

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


@needs_numba
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


def test_library_loaded_by_a_pinned_thread_gets_its_threads(monkeypatch):
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


@needs_numba
@pytest.mark.skipif(not hasattr(os, "fork"), reason="only where processes fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_child_forked_by_a_task_restores_thread_state(own_threads):
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
def test_environment_switches_pinning(monkeypatch, given, expected):
    monkeypatch.setattr(state.POOL, "pinning", None)
    monkeypatch.setenv("MINIGOOGLENET_PIN", given)
    assert affinity.get_pinning() is expected


def test_wrong_setting_of_pinning_is_rejected(monkeypatch):
    monkeypatch.setattr(state.POOL, "pinning", None)
    monkeypatch.setenv("MINIGOOGLENET_PIN", "no")
    with pytest.raises(ValueError, match="MINIGOOGLENET_PIN must be 0 or 1, got 'no'"):
        affinity.get_pinning()
    with pytest.raises(TypeError, match="True or False"):
        affinity.set_pinning(1)


def test_hold_is_undone_once_by_its_last_reference():
    calls = []
    hold = holds.held([lambda: calls.append("first"), lambda: calls.append("second")])
    with holds.within(hold):
        del hold
        assert calls == []
    assert calls == ["first", "second"]


def hold_that_reports(name, calls):
    return holds.held([functools.partial(calls.append, name)])


def test_forked_child_restores_state_in_order(monkeypatch):
    calls, pool = [], state.Pool()
    kept = {name: hold_that_reports(name, calls) for name in ("flushing", "pin", "computing", "blas")}
    for name in ("computing", "flushing", "pin"):
        monkeypatch.setattr(state.THREAD, name, weakref.ref(kept[name]))
    monkeypatch.setattr(state.THREAD, "worker", True)
    pool.blas, pool.register = weakref.ref(kept["blas"]), (lambda: 7, calls.append, 3)
    pool.num_threads, pool.pinning, pool.workers, pool.team["work"] = 4, False, object(), object()
    pool.worker_ids.add(1)
    locks = pool.lock, pool.blas_lock
    pool.start_in_child()
    assert calls == ["computing", "flushing", 7 & ~3, "pin", "blas"]
    assert (pool.workers, pool.reserved, pool.blas, pool.team, pool.worker_ids) == (None, None, None, {}, set())
    assert pool.lock is not locks[0]
    assert pool.blas_lock is not locks[1]
    assert (pool.num_threads, pool.pinning) == (4, False)  # the user's settings do not change
    kept.clear()
    assert len(calls) == 5  # nothing is undone twice


def test_new_thread_starts_with_its_own_state(monkeypatch):
    monkeypatch.setattr(state.THREAD, "task", True)
    seen = []
    thread = threading.Thread(target=lambda: seen.append(dict(vars(state.THREAD))))
    thread.start()
    thread.join(30)
    nothing = dict.fromkeys(("tasks", "computing", "flushing", "pin"))
    assert seen == [{"task": False, "worker": False, **nothing, "inherited": {}}]


def test_thread_state_is_in_one_file():
    for path in Path(parallel.__file__).parent.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.Global)], path.name
        names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert path.name == "state.py" or not names & {"local", "Lock", "RLock", "register_at_fork"}, path.name
