"""Failing workers: the caller gets the exception, no task is lost silently, and the next call works."""

import contextlib
import sys
import threading

import numpy as np
import pytest
from numeric import needs_numba

import minigooglenet as mg
from minigooglenet import parallel
from minigooglenet.parallel import pool, tasks
from minigooglenet.parallel.state import POOL


def new_barrier(size):
    from minigooglenet.planning.barrier import Barrier  # Numba

    return Barrier(size)


class OwnError(BaseException):
    pass


@pytest.fixture
def two_threads(own_threads):
    mg.set_num_threads(3)
    mg.set_num_threads(2)


@pytest.fixture
def silent_ends(monkeypatch):
    monkeypatch.setattr(threading, "excepthook", lambda arguments: None)  # these tests end threads on purpose
    yield
    mg.set_num_threads(mg.get_num_threads() + 1)  # this closes the pool
    for thread in threading.enumerate():  # a thread that ends later would be reported in the next test
        if thread.name.startswith("minigooglenet_"):
            with contextlib.suppress(RuntimeError):  # it has not started
                thread.join(5)


def raise_error(error):
    raise error


def run_on_both(in_caller, in_helper):
    """Run one function in the calling thread and one in a worker, at the same time."""
    caller, meet = threading.current_thread(), threading.Barrier(2)

    def task():
        meet.wait(30)
        (in_caller if threading.current_thread() is caller else in_helper)()

    parallel.run([task, task])


def sum_of_squares():
    out = np.zeros(64)

    def task(start, stop):
        out[start:stop] = np.arange(start, stop) ** 2

    parallel.parallel_for(task, 64)
    return out.sum()


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit, OwnError, MemoryError, StopIteration])
@pytest.mark.parametrize("where", ["caller", "helper"])
def test_caller_gets_any_exception_of_a_worker(two_threads, kind, where):
    for _ in range(3):
        functions = [lambda: None, lambda: None]
        functions[where == "helper"] = lambda: raise_error(kind("on purpose"))
        with pytest.raises(kind, match="on purpose"):
            run_on_both(*functions)
        assert sum_of_squares() == sum(k * k for k in range(64))


def test_interrupt_comes_before_the_error_of_a_task(two_threads):
    with pytest.raises(KeyboardInterrupt):
        run_on_both(lambda: raise_error(ValueError("a task")), lambda: raise_error(KeyboardInterrupt()))


def test_exit_starts_no_more_tasks(own_threads):
    mg.set_num_threads(1)
    mg.set_num_threads(2)
    started = []

    def task():
        started.append(1)
        raise SystemExit

    with pytest.raises(SystemExit):
        parallel.run([task] * 1000)
    assert len(started) <= 2


def test_results_are_correct_after_an_exit_in_a_layer(two_threads):
    g = mg.models.mini_googlenet(size=32, width=0.25, rng=0)
    plan, x = mg.plan(g), np.random.default_rng(0).random((8, 3, 32, 32), np.float32)
    graph_right, plan_right = g(x), plan(x)
    layer = g.nodes["conv1/relu_7x7" if "conv1/relu_7x7" in g.nodes else next(n for n in g.nodes if "relu" in n)].layer
    forward = layer.forward
    layer.forward = lambda *args, **kwargs: raise_error(SystemExit("on purpose"))
    broken = mg.plan(g)
    for call in (g, broken):
        with pytest.raises(SystemExit, match="on purpose"):
            call(x)
    layer.forward = forward
    np.testing.assert_array_equal(g(x), graph_right)
    np.testing.assert_array_equal(plan(x), plan_right)


def test_task_that_is_lost_with_its_thread_is_reported(two_threads, silent_ends, monkeypatch):
    lost = threading.Event()

    def die(shared):
        shared.active.add(threading.current_thread())
        shared.waiting.pop()
        lost.set()
        raise OwnError("on purpose")

    with monkeypatch.context() as patch:
        patch.setattr(tasks.Tasks, "run_in_worker", die)
        with pytest.raises(RuntimeError, match="1 of 2 tasks did not finish"):
            parallel.run([lambda: lost.wait(30)] * 2)
    assert sum_of_squares() == sum(k * k for k in range(64))


def begin_badly(monkeypatch, times):
    """Make the next `times` threads of a new pool with one worker end immediately."""
    begin, left = pool._begin_worker, [None] * times

    def begins():
        if left:
            left.pop()
            raise OwnError
        begin()

    monkeypatch.setattr(pool, "_begin_worker", begins)
    mg.set_num_threads(3)
    mg.set_num_threads(2)


def test_threads_that_ended_are_replaced(two_threads, silent_ends, monkeypatch):
    begin_badly(monkeypatch, 1)
    assert sum_of_squares() == sum(k * k for k in range(64))
    (ended,) = POOL.workers.threads
    ended.join(30)
    run_on_both(lambda: None, lambda: None)
    assert [thread.is_alive() for thread in POOL.workers.threads] == [True]


@needs_numba
def test_team_does_not_wait_for_a_thread_that_ended(two_threads, silent_ends, monkeypatch):
    monkeypatch.setattr(
        tasks.Tasks, "run_in_worker", lambda shared: shared.active.add(threading.current_thread()) or exit()
    )
    barrier = new_barrier(2)
    with pytest.raises(RuntimeError, match="did not finish, because a worker thread ended"):
        parallel.as_team(lambda number: barrier.wait(), 2, barrier.give_up)


def check_that_a_team_works():
    barrier, done = new_barrier(2), []

    def work(number):
        barrier.wait()
        done.append(number)

    assert parallel.as_team(work, 2, barrier.give_up)
    assert sorted(done) == [0, 1]


@needs_numba
def test_team_replaces_threads_that_end_immediately(two_threads, silent_ends, monkeypatch):
    begin_badly(monkeypatch, 2)
    check_that_a_team_works()


@needs_numba
def test_team_replaces_a_thread_with_a_lost_job(two_threads, silent_ends, monkeypatch):
    help_, lost = tasks.Tasks.run_in_worker, [None]

    def loses_one(shared):
        if lost:
            lost.pop()
            raise OwnError
        help_(shared)

    monkeypatch.setattr(tasks.Tasks, "run_in_worker", loses_one)
    check_that_a_team_works()


def test_thread_that_never_starts_does_not_block(two_threads, silent_ends, monkeypatch):
    monkeypatch.setattr(pool, "SECONDS_TO_START", 0.05)
    monkeypatch.setattr(threading.Thread, "_bootstrap_inner", lambda thread: None)
    mg.set_num_threads(3)
    assert sum_of_squares() == sum(k * k for k in range(64))
    monkeypatch.undo()
    mg.set_num_threads(2)
    assert sum_of_squares() == sum(k * k for k in range(64))


@needs_numba
def test_team_without_threads_raises(two_threads, silent_ends, monkeypatch):
    begin_badly(monkeypatch, 1000)
    barrier = new_barrier(2)
    with pytest.raises(RuntimeError, match="did not finish"):
        parallel.as_team(lambda number: barrier.wait(), 2, barrier.give_up)


@needs_numba
def test_interrupted_team_does_not_block_the_next(two_threads):
    barrier = new_barrier(2)

    def work(number):
        if number == 0:
            barrier.give_up()
            raise KeyboardInterrupt
        barrier.wait()

    with pytest.raises(KeyboardInterrupt):
        parallel.as_team(work, 2, barrier.give_up)
    assert parallel.as_team(lambda number: None, 2)


def test_memory_that_ends_while_work_is_shared_is_raised(two_threads, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(pool.contextvars, "copy_context", lambda: raise_error(MemoryError()))
        with pytest.raises(MemoryError):
            sum_of_squares()
    assert sum_of_squares() == sum(k * k for k in range(64))


def test_workers_are_alive_after_an_interrupt(two_threads):
    parallel.run([lambda: None] * 2)
    looked, before, lines = tasks.Tasks([], lambda: None), sys.gettrace(), 0

    def trace(frame, event, argument):
        nonlocal left
        left -= event == "line"
        if left < 0:
            raise KeyboardInterrupt
        return trace

    while True:
        left = lines
        looked.active.update(POOL.workers.threads)
        try:
            sys.settrace(trace)
            assert looked._discard_dead() == []
            break
        except KeyboardInterrupt:
            lines += 1
        finally:
            sys.settrace(before)
    assert lines > 2
