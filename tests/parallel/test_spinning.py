"""Spinning threads: when they spin, how they are signalled, and that a thread that sleeps instead computes the same."""

import os
import threading

import numpy as np
import pytest
from numeric import draw, needs_numba

import minigooglenet as mg
from minigooglenet import parallel
from minigooglenet.kernels import compiled
from minigooglenet.parallel import spinning, state

PINS = hasattr(os, "sched_setaffinity")


@pytest.fixture
def calls(own_threads, monkeypatch):
    """Record (value waited for, spins, delay) of every wait of this thread, on two processors; no wait succeeds.

    Workers that earlier tests have started may still be on their way to sleep.
    """
    recorded, here = [], threading.current_thread()

    def wait(own, other, seen, spins, delay):
        own[0] += 1
        if threading.current_thread() is here:
            recorded.append((seen, spins, delay))
        return False

    mg.set_num_threads(2)
    monkeypatch.setattr(state.POOL, "spinning", True)
    monkeypatch.setattr(state.POOL, "reserved", (0, {0, 1}))
    monkeypatch.setattr(state.POOL, "wait", wait)
    monkeypatch.setattr(state.POOL, "busy", False)
    monkeypatch.setattr(state.POOL, "next_look", float("inf"))
    return recorded


def test_worker_signals_its_end_and_may_sleep(calls):
    signals = spinning.Signals()
    assert not signals.wait_for_job(3, rank=0)
    assert signals.ended[0] == 1
    assert not signals.wait_for_end(0)
    assert calls == [(3, spinning.SPINS, spinning.DELAY), (0, spinning.SPINS, 0)]


def test_workers_leave_one_after_another(calls):
    signals = spinning.Signals()
    for rank in range(3):
        signals.wait_for_job(0, rank)
    assert [delay for *_, delay in calls] == [spinning.DELAY, 2 * spinning.DELAY, 3 * spinning.DELAY]


@pytest.mark.parametrize(
    ("name", "value"), [("reserved", None), ("reserved", (0, {0})), ("spinning", False), ("wait", None), ("busy", True)]
)
def test_thread_sleeps_where_it_would_delay_others(calls, monkeypatch, name, value):
    monkeypatch.setattr(state.POOL, name, value)
    assert not spinning.Signals().wait_for_job(0, 0)
    assert not spinning.Signals().wait_for_end(0)
    assert calls == []


@pytest.mark.skipif(not hasattr(os, "getloadavg"), reason="the system reports no load")
@pytest.mark.parametrize(("load", "spins"), [(0.5, True), (3.0, True), (3.1, False)])
def test_thread_sleeps_on_a_busy_machine(calls, monkeypatch, load, spins):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 9, 9))
    monkeypatch.setattr(state.POOL, "next_look", 0)
    spinning.Signals().wait_for_job(0, 0)
    assert bool(calls) == spins


@pytest.mark.skipif(not PINS, reason="threads cannot be pinned here")
def test_jobs_reach_workers_that_sleep(calls):
    done = []
    for number in range(5):
        parallel.run([lambda number=number: done.append(number)] * 2)
    assert sorted(done) == sorted([*range(5)] * 2)


@needs_numba
def test_compiled_wait_ends_with_the_change(own_threads):
    wait = compiled.fast().waiting.wait
    own, other = np.zeros(8, np.int64), np.zeros(8, np.int64)
    assert not wait(own, other, 0, 1000, 0)
    other[0] = 1
    assert wait(own, other, 0, 1000, 10)
    assert own[0] == 2


def test_spinning_does_not_change_a_bit(own_threads, monkeypatch):
    x, layer = draw(2, 3, 30, 30, dtype=np.float32), mg.layers.Conv2d(3, 16, 3, rng=0)
    results = []
    for threads, enabled in ((1, True), (2, True), (2, False)):
        mg.set_num_threads(threads)
        monkeypatch.setattr(state.POOL, "spinning", enabled)
        results.append([layer.forward(x)[0].tobytes() for _ in range(3)])
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize(("given", "expected"), [("0", False), ("1", True), ("", True), (" 0 ", False)])
def test_environment_switches_spinning(monkeypatch, given, expected):
    monkeypatch.setattr(state.POOL, "spinning", None)
    monkeypatch.setenv("MINIGOOGLENET_SPIN", given)
    assert spinning.get_spinning() is expected


def test_wrong_setting_of_spinning_is_rejected(own_threads, monkeypatch):
    monkeypatch.setattr(state.POOL, "spinning", None)
    monkeypatch.setattr(state.POOL, "num_threads", None)
    monkeypatch.delenv("MINIGOOGLENET_NUM_THREADS", raising=False)
    monkeypatch.setenv("MINIGOOGLENET_SPIN", "no")
    with pytest.raises(ValueError, match="MINIGOOGLENET_SPIN must be 0 or 1, got 'no'"):
        mg.get_num_threads()
    with pytest.raises(TypeError, match="True or False"):
        spinning.set_spinning(1)
