"""The clock: which calls are timed, in which order, and which outputs are rejected."""

import numpy as np
import pytest

from minigooglenet.bench import clock, equality


class FakeTime:
    """A clock that advances only while a function runs."""

    def __init__(self):
        self.now = 0.0
        self.slept = []

    def perf_counter(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)


class Function:
    """A function that takes a fixed time, and longer in its first call, like one that compiles."""

    def __init__(self, time, seconds, first=0.0, log=None, name=""):
        self.time, self.seconds, self.first, self.log, self.name = time, seconds, first, log, name
        self.calls = 0

    def __call__(self):
        self.time.now += self.seconds + (self.first if self.calls == 0 else 0)
        self.calls += 1
        if self.log is not None:
            self.log.append(self.name)
        return np.ones(3)


@pytest.fixture
def fake_time(monkeypatch):
    time = FakeTime()
    monkeypatch.setattr(clock, "time", time)
    return time


def test_first_call_stays_untimed(fake_time):
    slow_first = Function(fake_time, 1.0, first=100.0)
    timings = clock.alternate({"a": slow_first, "b": Function(fake_time, 2.0)}, rounds=4, seconds=1000)
    assert timings["a"].seconds == (1.0,) * 4
    assert timings["b"].seconds == (2.0,) * 4
    assert slow_first.calls == 5


def test_rounds_take_turns(fake_time):
    log = []
    functions = {name: Function(fake_time, 1.0, log=log, name=name) for name in "abc"}
    clock.alternate(functions, rounds=3, seconds=1000)
    assert "".join(log) == "abc" * 4


def test_slow_engine_stops_after_its_time_limit(fake_time):
    functions = {"slow": Function(fake_time, 10.0), "fast": Function(fake_time, 1.0)}
    timings = clock.alternate(functions, rounds=8, seconds=20)
    assert len(timings["slow"].seconds) == 3
    assert len(timings["fast"].seconds) == 8


def test_pause_precedes_each_timing_of_several(fake_time):
    clock.alternate({"a": Function(fake_time, 1), "b": Function(fake_time, 1)}, rounds=2, seconds=9, pause=0.5)
    assert fake_time.slept == [0.5] * 4
    fake_time.slept.clear()
    clock.alternate({"a": Function(fake_time, 1)}, rounds=2, seconds=9)
    assert fake_time.slept == []


def test_before_callback_stays_untimed(fake_time):
    names = []

    def before(name):
        names.append(name)
        fake_time.now += 50

    functions = {"a": Function(fake_time, 1), "b": Function(fake_time, 1)}
    timings = clock.alternate(functions, rounds=2, seconds=9, before=before)
    assert names == ["a", "b"] * 3
    assert timings["b"].seconds == (1.0, 1.0)


def test_timing_has_median_and_minimum():
    timing = clock.Timing((3.0, 1.0, 2.0))
    assert timing.as_dict() == {"median_seconds": 2.0, "minimum_seconds": 1.0, "rounds": 3}


def test_unequal_outputs_raise_with_name_and_difference():
    x = np.array([1.0, -4.0], np.float32)
    with pytest.raises(
        ValueError, match=r"b and a do not compute the same: off by 2\.5e-01, but only 0\.0001 of the largest"
    ):
        clock.alternate({"a": lambda: x, "b": lambda: x + 1}, rounds=1, seconds=1)
    with pytest.raises(ValueError, match=r"shape \(1, 2\) instead of \(2,\)"):
        clock.alternate({"a": lambda: x, "b": lambda: x[None]}, rounds=1, seconds=1)
    with pytest.raises(ValueError, match="off by inf"):
        clock.alternate({"a": lambda: x, "b": lambda: x * np.float32(np.nan)}, rounds=1, seconds=1)


def test_unequal_output_is_named_by_its_index():
    x = np.ones(4)
    with pytest.raises(ValueError, match=r"\(array 1 of 2\)"):
        equality.require_equal({"a": (x, x), "b": (x, 2 * x)})
    with pytest.raises(ValueError, match="b returns 1 arrays, a 2"):
        equality.require_equal({"a": (x, x), "b": x})
    equality.require_equal({"a": (x, x), "b": [x, x + 1e-6]})


def test_random_outputs_may_stay_uncompared():
    timings = clock.alternate({"a": lambda: 1.0, "b": lambda: 2.0}, rounds=1, seconds=1, tolerance=None)
    assert set(timings) == {"a", "b"}
