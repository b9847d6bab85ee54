"""Gradient clipping: the norm of all gradients together is limited, their direction is not changed."""

import numpy as np
import pytest
from small import graph, split

from minigooglenet.training import Settings, Trainer
from minigooglenet.training.clipping import clipped

GRADS = {"a": np.array([3.0, 0.0], np.float32), "b": np.array([[4.0]], np.float32)}


def test_large_gradients_get_the_largest_norm():
    result = clipped(GRADS, 2.0)
    assert {name: array.tolist() for name, array in result.items()} == {
        "a": pytest.approx([1.2, 0.0]),
        "b": [pytest.approx([1.6])],
    }
    assert result["a"].dtype == np.float32
    assert GRADS["a"][0] == 3


@pytest.mark.parametrize("most", [None, 5.0, 6.0])
def test_small_gradients_are_returned_unchanged(most):
    assert clipped(GRADS, most) is GRADS


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_gradients_that_are_not_finite_stay(value):
    grads = {"a": np.array([value, 1.0])}
    assert clipped(grads, 2.0) is grads


def test_large_values_do_not_overflow_in_their_squares():
    grads = {"a": np.full(4, 1e30, np.float32)}
    assert clipped(grads, 2.0)["a"] == pytest.approx(np.ones(4))


def test_trainer_clips_before_its_step():
    trainers = [
        Trainer(graph(), split(), Settings(epochs=1, momentum=0, weight_decay=0, clip_norm=n)) for n in (None, 0.1)
    ]
    moves = []
    for trainer in trainers:
        before = {name: array.copy() for name, array in trainer.graph.params.items()}
        trainer.learn(next(trainer.batches(0)), 1.0)
        after = trainer.graph.params
        moves.append(float(np.sqrt(sum(np.square(after[name] - before[name]).sum() for name in before))))
    assert moves[0] > 0.1
    assert moves[1] == pytest.approx(0.1, rel=1e-4)
