"""Lesson 16: its references agree with the package, and its workers in threads give the same bits."""

import numpy as np
import pytest
from numeric import assert_close

import minigooglenet as mg
from minigooglenet import distributed
from minigooglenet.distributed.distbelief import experiment
from minigooglenet.exercises.find import find
from minigooglenet.lessons.lesson_16_many_hands import crew
from minigooglenet.training.averaging import average_step


def _drawn(number):
    return [case for seed in range(4) for case in find(number).drawn(seed)]


def _split():
    train, labels, test, test_labels = mg.data.digits(8)
    return train[:96], labels[:96], test[:32], test_labels[:32]


def test_tree_reference_equals_tree_sum_in_every_bit():
    for (arrays,) in _drawn("16.2"):
        np.testing.assert_array_equal(find("16.2").reference_function(arrays), distributed.tree_sum(arrays))


def test_mask_reference_equals_sample_generator():
    for seed, step, images, length, drop in _drawn("16.5"):
        values = distributed.SampleGenerator([seed, step], images).random((len(images), length))
        masks = find("16.5").reference_function(seed, step, images, length, drop)
        np.testing.assert_array_equal(masks, (values >= drop) / (1 - drop))


def test_average_reference_equals_the_training_average():
    for weights, start in _drawn("16.6"):
        state = {}
        for count, row in enumerate(weights[start:]):
            average_step(state, {"w": row}, count)
        assert_close(find("16.6").reference_function(weights, start)[-1], state["w"])


def test_server_reference_equals_simulated_staleness():
    rng = np.random.default_rng(0)
    graph = mg.Graph(image=(1, 8, 8))
    graph.add("fc", mg.layers.Linear(64, 10, rng=rng), graph.add("flat", mg.layers.Flatten(), "image"))
    result = distributed.simulate(graph, _split(), workers=4, updates=40)
    order = np.array([update.worker for update in result.updates])
    _, staleness = find("16.4").reference_function(1.0, 1.0, 0.1, order)
    assert staleness.tolist() == result.staleness.tolist()


def test_threads_of_any_number_give_equal_bits():
    settings = mg.training.Settings(epochs=1, batch_size=32, shards=4)
    split = mg.data.as_split(_split(), 10)
    graphs = [graph for workers in (1, 2, 4) for graph in crew.trained(crew.network, split, settings, workers)]
    assert len(graphs) == 7
    assert len({crew.digest(graph) for graph in graphs}) == 1


def test_failing_worker_ends_the_others():
    made = []

    def make():
        made.append(crew.network())
        if len(made) == 2:
            made[-1].params["classifier/weight"][...] = np.nan
        return made[-1]

    settings = mg.training.Settings(epochs=1, batch_size=32, shards=4)
    with pytest.raises(FloatingPointError, match="finite"):
        crew.trained(make, mg.data.as_split(_split(), 10), settings, 2)


def test_mean_of_shards_is_the_gradient_of_the_batch():
    x, labels, *_ = _split()
    graph = experiment.network()
    rows, whole = (crew.shard_gradients(graph, x[:32], labels[:32], shards) for shards in (8, 1))
    assert_close(rows.mean(axis=0), whole[0], tolerance=1e-5)


def test_trajectory_ends_with_the_weights_of_the_graph():
    graph, split = experiment.network(), experiment.noisy_digits(copies=1)
    weights = crew.trajectory(graph, split.train, steps=3)
    np.testing.assert_array_equal(weights[-1], distributed.Flat(graph.params).pack(graph.params))
    before = crew.digest(graph)
    assert 0 <= crew.accuracy(graph, weights[0], split.test) <= 1
    assert crew.digest(graph) == before


def test_step_is_measured_for_each_number_of_threads():
    before = mg.get_num_threads()
    times = crew.seconds_of_a_step(images=1, rounds=1)
    assert list(times) == [1, 2]
    assert min(times.values()) > 0
    assert mg.get_num_threads() == before
