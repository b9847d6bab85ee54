"""The timeline of one image: every moment of every thread belongs to one event."""

import numpy as np
import pytest
from numeric import needs_numba

import minigooglenet as mg
from minigooglenet import layers
from minigooglenet.bench import run, settings, timeline
from minigooglenet.planning import planner


def measured(model="mini", threads=2):
    options = settings.Settings(model=model, threads=threads, rounds=1, seconds=0.0, quick=True)
    return timeline.measure(options, lambda text: None)


@pytest.fixture(scope="module")
def result():
    return measured()


def events_of(result, thread):
    return [event for event in result["events"] if event["thread"] == thread]


def assert_complete(result):
    """Assert that the events of each thread follow one another from zero to the total time."""
    for thread in range(result["team"]):
        events = events_of(result, thread)
        starts, ends = ([event[f"{end}_seconds"] for event in events] for end in ("start", "end"))
        assert starts[0] == 0
        assert starts[1:] == ends[:-1]
        assert all(start <= end for start, end in zip(starts, ends, strict=True))
        assert sum(ends) - sum(starts) == pytest.approx(result["median_seconds"])


def computed(result, thread):
    return [event["step"] for event in events_of(result, thread) if event["step"] and not event["waiting"]]


def steps_of(model, serial=True):
    """Return the names of the steps that the plan of a model computes, without the serial ones if `serial` is False."""
    graph = settings.Settings(model=model).graph()
    return [" + ".join(step.nodes) for step in mg.plan(graph, graph.main).steps if serial or step.thread_parallel]


@needs_numba
def test_events_of_each_thread_add_up(result):
    assert result["team"] == 2
    assert_complete(result)
    seconds = sum(seconds for _, seconds in timeline.by_kind(result).values())
    assert seconds == pytest.approx(2 * result["median_seconds"])


@needs_numba
def test_threads_compute_all_steps_together(result):
    assert set(computed(result, 0)) | set(computed(result, 1)) == set(steps_of("mini"))
    assert set(computed(result, 1)) <= set(steps_of("mini", serial=False))
    assert any(event["waiting"] for event in events_of(result, 1))


def test_one_thread_never_waits():
    result = measured(threads=1)
    assert_complete(result)
    assert computed(result, 0) == steps_of("mini")
    assert (result["team"], result["why_fewer"]) == (1, None)
    assert timeline.WAITING not in timeline.by_kind(result)
    assert "1 thread" in str(timeline.tables(result)[0])


@needs_numba
def test_team_is_at_most_the_largest(monkeypatch):
    monkeypatch.setattr(planner, "LARGEST_TEAM", 2)
    result = measured(threads=3)
    assert_complete(result)
    assert result["why_fewer"] == "A thread team has at most 2 threads."
    assert result["why_fewer"] in str(timeline.tables(result)[0])


class Centred(layers.ReLU):
    """A layer that may depend on the whole batch, because a plan does not know it."""

    def infer(self, x):
        return x - x.mean()


def test_network_without_a_team_is_reported_in_a_sentence(monkeypatch):
    graph = mg.Graph(image=(3, 8, 8))
    graph.add("centred", Centred(), "image")
    graph.add("conv", layers.Conv2d(3, 4, 3, rng=0), "centred")
    monkeypatch.setattr(settings.Settings, "graph", lambda options: graph)
    result = measured()
    assert_complete(result)
    assert result["team"] == 1
    assert computed(result, 0) == ["centred", "conv"]
    assert "cannot run in a thread team, because centred may depend on the whole batch." in result["why_fewer"]
    assert result["why_fewer"] in str(timeline.tables(result)[0])


def test_observed_plan_returns_the_same_bits():
    graph = settings.Settings(model="mini").graph()
    plan, x = mg.plan(graph, graph.main), settings.images(graph, 3)
    expected = plan(x)
    observer = timeline.Observer()
    plan.observe = observer.observed
    assert np.array_equal(plan(x), expected)
    assert observer.calls
    plan.observe = None
    assert np.array_equal(plan(x), expected)


@needs_numba
def test_convolutions_are_named_by_kernel_and_algorithm():
    graph = settings.Settings(model="googlenet").graph()
    plan = mg.plan(graph, graph.main)
    kinds = {timeline.kind(step, plan.shapes) for step in plan.steps}
    assert {"conv 7x7, implicit GEMM", "conv 3x3, Winograd", "pools", "norms", "concat", "linear"} <= kinds


def test_figure_has_a_row_per_thread_and_a_text(result, tmp_path):
    figure, text = timeline.figure(result)
    (axis,) = figure.axes
    assert [label.get_text() for label in axis.get_yticklabels()] == [f"thread {i + 1}" for i in range(result["team"])]
    labels = [entry.get_text() for entry in figure.legends[0].get_texts()]
    assert {"conv 3x3, implicit GEMM", "pools", "waiting for the others"} <= set(labels)
    assert all(kind in text for kind in timeline.by_kind(result))
    image, words = run.save_figures("timeline", result, tmp_path)
    assert (image.name, words.name) == ("timeline.png", "timeline.txt")
