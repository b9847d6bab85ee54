"""Parallel work: every item runs once, chunks do not depend on threads where they must not, state is restored."""

import multiprocessing
import os
import threading

import numpy as np
import pytest
import threadpoolctl
from numeric import needs_numba

import minigooglenet as mg
from minigooglenet import parallel
from minigooglenet.parallel.state import POOL


def new_barrier(size):
    from minigooglenet.planning.barrier import Barrier  # Numba

    return Barrier(size)


def blas_threads():
    pools = [pool for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]
    numpys = [
        pool for pool in pools if "numpy" in pool["filepath"]
    ]  # Numba may load SciPy's BLAS too, which no test uses
    return [pool["num_threads"] for pool in numpys or pools]


def engine_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("minigooglenet")]


def in_another_thread(function):
    thread = threading.Thread(target=function)
    thread.start()
    thread.join(30)


@pytest.fixture
def two_blas_threads():
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        if not blas_threads() or blas_threads() != [2] * len(blas_threads()):
            pytest.skip("the number of threads of this BLAS cannot be set")
        yield


@pytest.mark.parametrize("threads", [1, 2, 3, 5])
@pytest.mark.parametrize("count", [1, 2, 7, 33])
def test_parallel_for_covers_every_item_once(own_threads, threads, count):
    mg.set_num_threads(threads)
    visits = np.zeros(count, int)

    def task(start, stop):
        visits[start:stop] += 1

    parallel.parallel_for(task, count)
    assert (visits == 1).all()


def test_first_error_of_any_task_is_raised(own_threads):
    mg.set_num_threads(3)
    done = []

    def fail(text):
        raise ValueError(text)

    with pytest.raises(ValueError, match=r"^first$"):
        parallel.run([lambda: done.append(1), lambda: fail("first"), lambda: fail("second"), lambda: done.append(2)])
    assert sorted(done) == [1, 2]


def test_task_may_call_parallel_for_itself(own_threads):
    mg.set_num_threads(2)
    visits = np.zeros((4, 6), int)

    def outer(index):
        def inner(start, stop):
            visits[index, start:stop] += 1

        parallel.parallel_for(inner, 6)

    parallel.run([lambda index=index: outer(index) for index in range(4)])
    assert (visits == 1).all()


@pytest.mark.parametrize("threads", [1, 3])
def test_blas_thread_count_is_restored_after_computing(own_threads, two_blas_threads, threads):
    mg.set_num_threads(threads)
    inside = []
    parallel.run([lambda: inside.extend(blas_threads())] * 3)
    assert set(inside) == {1}
    assert set(blas_threads()) == {2}


def test_outermost_region_gives_blas_back_after_an_exception(two_blas_threads):
    def fail():
        with parallel.computing():
            pass
        assert set(blas_threads()) == {1}
        raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"), parallel.computing():
        fail()
    assert set(blas_threads()) == {2}


def test_blas_is_given_back_when_a_layer_raises(two_blas_threads):
    g = mg.Graph(image=(1, 4, 4))
    seen = []

    def broken(*_):
        seen.extend(blas_threads())
        raise ValueError("broken on purpose")

    g.add("conv", mg.layers.Conv2d(1, 1, 3, algorithm=(broken, broken)), "image")
    with pytest.raises(ValueError, match="broken on purpose"):
        g(np.zeros((1, 1, 4, 4), np.float32))
    assert set(seen) == {1}
    assert set(blas_threads()) == {2}


def test_blas_is_restored_after_forward_and_backward(two_blas_threads):
    g = mg.models.mini_googlenet(size=32, width=0.25, rng=0)
    outputs, tape = g.forward({"image": np.ones((2, 3, 32, 32), np.float32)})
    g.backward({wire: np.ones_like(y) for wire, y in outputs.items()}, tape)
    assert set(blas_threads()) == {2}


def test_blas_has_one_thread_inside_whichever_thread_calls(two_blas_threads):
    inside = []
    in_another_thread(lambda: parallel.run([lambda: inside.extend(blas_threads())]))
    assert set(inside) == {1}
    assert set(blas_threads()) == {2}


def test_overlapping_regions_of_two_threads_give_blas_back_once(two_blas_threads):
    entered, leave = threading.Event(), threading.Event()

    def other():
        with parallel.computing():
            entered.set()
            leave.wait(30)

    thread = threading.Thread(target=other)
    with parallel.computing():
        thread.start()
        entered.wait(30)
    assert set(blas_threads()) == {1}
    leave.set()
    thread.join(30)
    assert set(blas_threads()) == {2}


def test_tasks_use_the_errstate_of_their_caller(own_threads):
    mg.set_num_threads(2)
    before = np.geterr()

    def divide():
        np.ones(3) / np.zeros(3)

    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        parallel.run([divide, divide])
    with np.errstate(divide="ignore"):
        parallel.run([divide, divide])
    assert np.geterr() == before


def test_surplus_threads_end(own_threads):
    for threads in (5, 2, 4, 3):
        mg.set_num_threads(threads)
        old = engine_threads()
        parallel.run([lambda: None] * 8)
        for thread in old:
            thread.join(30)
        assert len(engine_threads()) <= threads


def test_one_thread_starts_no_pool(own_threads):
    mg.set_num_threads(2)
    mg.set_num_threads(1)
    for thread in engine_threads():
        thread.join(30)
    parallel.run([lambda: None] * 8)
    assert engine_threads() == []


def test_environment_sets_the_number_of_threads(monkeypatch):
    monkeypatch.setattr(POOL, "num_threads", None)
    monkeypatch.setenv("MINIGOOGLENET_NUM_THREADS", " 3 ")
    assert mg.get_num_threads() == 3


def test_every_core_is_used_by_default(monkeypatch):
    monkeypatch.setattr(POOL, "num_threads", None)
    monkeypatch.delenv("MINIGOOGLENET_NUM_THREADS", raising=False)
    assert 1 <= mg.get_num_threads() <= os.cpu_count()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only where processes fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_forked_child_has_a_new_pool(own_threads):
    mg.set_num_threads(2)
    parallel.run([lambda: None] * 4)
    child = multiprocessing.get_context("fork").Process(target=parallel.run, args=([lambda: None] * 4,))
    child.start()
    child.join(30)
    child.kill()  # a deadlock must not delay the end of the tests
    assert child.exitcode == 0


def _exit_with_blas_threads():
    raise SystemExit(max(blas_threads(), default=0))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only where processes fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_child_forked_inside_a_region_gets_blas_back(two_blas_threads):
    with parallel.computing():
        child = multiprocessing.get_context("fork").Process(target=_exit_with_blas_threads)
        child.start()
        child.join(30)
        child.kill()
    assert child.exitcode == 2


def test_number_of_threads_may_change_while_others_work(own_threads):
    stop, errors, visits = threading.Event(), [], []

    def work():
        try:
            while not stop.is_set():
                parallel.run([lambda: visits.append(1)] * 4)
        except RuntimeError as error:
            errors.append(error)

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for k in range(200):
        mg.set_num_threads(2 + k % 3)
    stop.set()
    for worker in workers:
        worker.join(30)
    assert errors == []
    assert len(visits) > 0


def test_parallel_for_runs_the_whole_range_in_a_team(own_threads):
    mg.set_num_threads(3)
    done = []

    def work(rank):
        parallel.parallel_for(lambda start, stop: done.append((rank, parallel.num_workers(), start, stop)), 7)

    assert parallel.as_team(work, 3)
    assert sorted(done) == [(rank, 1, 0, 7) for rank in range(3)]


def test_num_chunks_is_a_multiple_of_the_threads(own_threads):
    mg.set_num_threads(4)
    assert [parallel.num_chunks(least, 10) for least in (1, 4, 5, 9)] == [4, 4, 8, 10]
    assert parallel.num_chunks(1, 3) == 3
    assert parallel.num_chunks(0, 0) == 1


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system does not report it")
def test_affinity_is_restored_after_an_error(own_threads):
    mg.set_num_threads(2)
    before, inside = os.sched_getaffinity(0), []

    def fail():
        inside.append(os.sched_getaffinity(0))
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        parallel.run([fail, fail])
    assert os.sched_getaffinity(0) == before
    assert all(processors <= before for processors in inside)
    if len(before) > 1:
        assert len(set().union(*inside)) <= len(before)


def test_team_needs_free_threads(own_threads):
    mg.set_num_threads(2)
    answers = []
    parallel.run([lambda: answers.append(parallel.as_team(print, 2))] * 2)
    assert parallel.as_team(lambda number: answers.append(parallel.as_team(print, 2)), 2)
    assert not parallel.as_team(print, 3)
    assert answers == [False] * 4


@needs_numba
def test_barrier_waits_for_all_threads(own_threads):
    mg.set_num_threads(4)
    barrier, arrived = new_barrier(4), [0] * 50

    def work(number):
        for round_ in range(50):
            with lock:
                arrived[round_] += 1
            barrier.wait()
            assert arrived[round_] == 4

    lock = threading.Lock()
    parallel.as_team(work, 4)


@needs_numba
def test_failing_thread_releases_its_team(own_threads):
    mg.set_num_threads(2)
    barrier = new_barrier(2)

    def work(number):
        if number == 0:
            barrier.give_up()
            raise ValueError("first")
        barrier.wait()

    with pytest.raises(ValueError, match=r"^first$"):
        parallel.as_team(work, 2)


@needs_numba
def test_error_of_the_failing_thread_is_raised(own_threads):
    mg.set_num_threads(2)
    barrier = new_barrier(2)

    def work(number):
        if number == 1:
            barrier.give_up()
            raise ZeroDivisionError("the cause")
        barrier.wait()

    with pytest.raises(ZeroDivisionError, match="the cause"):
        parallel.as_team(work, 2)


def test_caller_does_all_work_without_threads(own_threads, monkeypatch):
    def no_thread(self):
        raise RuntimeError("can't start new thread")

    mg.set_num_threads(5)
    monkeypatch.setattr(threading.Thread, "start", no_thread)
    done = []
    parallel.parallel_for(lambda start, stop: done.append((start, stop)), 10)
    assert sum(stop - start for start, stop in done) == 10
    assert not parallel.as_team(print, 2)
    mg.set_num_threads(6)  # a new pool for later tests


@pytest.mark.parametrize(
    ("old", "new"), [("spread", "parallel_for"), ("width", "num_workers"), ("one_blas_thread", "computing")]
)
def test_old_names_still_work_and_warn(old, new):
    with pytest.warns(
        DeprecationWarning, match=rf"parallel\.{old} is now minigooglenet\.parallel\.{new}; the old name"
    ):
        assert getattr(parallel, old) is getattr(parallel, new)
