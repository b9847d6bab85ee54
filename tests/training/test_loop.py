"""The training loop: it learns, is reproducible, and stops with a reason."""

import numpy as np
import pytest

import minigooglenet as mg
from minigooglenet import evaluation, training


def _problem(images=24, seed=0):
    """Return a small graph with two classifiers, and images of horizontal or vertical bars."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, images)
    x = rng.normal(0, 0.1, (images, 1, 6, 6)).astype(np.float32)
    x[labels == 0, :, 2] += 1
    x[labels == 1, :, :, 2] += 1
    g = mg.Graph(image=(1, 6, 6))
    wire = g.add("relu", mg.layers.ReLU(), g.add("conv", mg.layers.Conv2d(1, 6, 3, rng=1), "image"))
    wire = g.add("pool", mg.layers.GlobalAvgPool2d(), g.add("max", mg.layers.MaxPool2d(2), wire))
    g.add("early", mg.layers.Linear(6, 2, rng=2), wire)
    g.add("late", mg.layers.Linear(6, 2, rng=3), g.add("drop", mg.layers.Dropout(0.1, rng=4), wire))
    return g, x, labels


def test_train_learns_to_classify_bars():
    g, x, labels = _problem()
    steps = training.train(g, x, labels, epochs=30, batch_size=8, lr=0.1, rng=0)
    assert np.mean([s.loss for s in steps[-3:]]) < 0.3 * steps[0].loss
    assert np.all(evaluation.predict(g, x, batch_size=7) == labels)


def test_same_seed_trains_to_the_same_bits():
    finals = []
    for _ in range(2):
        g, x, labels = _problem()
        training.train(g, x, labels, epochs=2, batch_size=5, rng=7)
        finals.append({key: value.copy() for key, value in g.params.items()})
    assert all(np.array_equal(finals[0][key], finals[1][key]) for key in finals[0])


def test_train_reports_every_step():
    g, x, labels = _problem(images=11)
    seen = []
    steps = training.train(g, x, labels, epochs=2, batch_size=4, on_step=seen.append)
    assert seen == steps
    assert [step.number for step in steps] == list(range(6))
    assert {step.count for step in steps} == {6}


def test_auxiliary_head_has_loss_weight_0_3():
    g, x, labels = _problem(images=8)
    for key, value in g.params.items():
        g.params[key] = np.zeros_like(value)
    (step,) = training.train(g, x, labels, epochs=1, batch_size=8)
    assert step.loss == pytest.approx(1.3 * np.log(2))


def test_infinite_loss_names_the_first_wire():
    g, x, labels = _problem()
    g.params["conv/weight"][0, 0, 0, 0] = np.inf
    with (
        pytest.raises(FloatingPointError, match="loss of step 0 is not finite: wire 'conv' is the first"),
        np.errstate(invalid="ignore"),
    ):
        training.train(g, x, labels, epochs=1)


def test_train_rejects_unequal_numbers_of_images_and_labels():
    g, x, labels = _problem()
    with pytest.raises(ValueError, match="got 24 images and 23 labels"):
        training.train(g, x, labels[:-1], epochs=1)


def test_confusion_matrix_counts_true_by_predicted():
    matrix = evaluation.confusion(np.array([0, 0, 1, 2]), np.array([0, 2, 1, 2]), 3)
    assert matrix.tolist() == [[1, 0, 1], [0, 1, 0], [0, 0, 1]]


def test_batch_with_nan_restores_the_running_statistics():
    g = mg.models.mini_googlenet(2, in_channels=1, size=32, width=0.25, rng=0)
    before = {key: value.copy() for key, value in g.buffers.items()}
    x = np.full((4, 1, 32, 32), np.nan, np.float32)
    with pytest.raises(FloatingPointError, match="wire 'image' is the first wire with a NaN or an infinity"):
        training.train(g, x, [0, 1, 0, 1], epochs=1)
    assert all(np.array_equal(g.buffers[key], before[key]) for key in before)
