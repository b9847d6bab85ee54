"""The learning-rate sweep: it changes nothing, suggests a rate that learns, or gives no suggestion for noise."""

import numpy as np
import pytest
from small import digest, graph, split

import minigooglenet as mg
from minigooglenet.training import RateSweep, Settings, Trainer, find_learning_rate

SETTINGS = Settings(batch_size=10)


@pytest.fixture(scope="module")
def sweep():
    return find_learning_rate(graph(), split(120), SETTINGS, first=1e-4, last=100.0, steps=60)


def test_sweep_does_not_change_the_graph():
    g = graph()
    before = digest({**g.params, **g.buffers})
    states = [layer.rng.bit_generator.state for layer, _ in g.nodes.values() if isinstance(layer, mg.layers.Dropout)]
    seen = []
    find_learning_rate(g, split(), SETTINGS, steps=10, on_step=lambda *numbers: seen.append(numbers))
    assert digest({**g.params, **g.buffers}) == before
    assert states == [
        layer.rng.bit_generator.state for layer, _ in g.nodes.values() if isinstance(layer, mg.layers.Dropout)
    ]
    assert [numbers[:2] for numbers in seen] == [(done, 10) for done in range(1, 11)]


def test_rates_grow_by_a_constant_factor(sweep):
    assert sweep.rates[0] == pytest.approx(1e-4)
    np.testing.assert_allclose(np.diff(np.log(sweep.rates)), np.log(1e6) / 59)
    assert len(sweep.rates) == len(sweep.losses) == len(sweep.smoothed)


def test_repeated_sweeps_are_bit_identical(sweep):
    assert find_learning_rate(graph(), split(120), SETTINGS, first=1e-4, last=100.0, steps=60) == sweep


def test_suggested_rate_learns_better_than_smaller_ones(sweep):
    assert sweep.suggestion == float(f"{sweep.lowest / 10:.0e}")
    losses = []
    for rate in (sweep.suggestion, sweep.suggestion / 30):
        trainer = Trainer(graph(), split(120), Settings(epochs=4, batch_size=10, lr=rate))
        trainer.run()
        losses.append(trainer.epochs[-1].test_loss)
    assert losses[0] < losses[1]


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_sweep_steps_match_training_at_the_same_rates(optimizer):
    settings = Settings(batch_size=10, optimizer=optimizer, heads=0)
    sweep = find_learning_rate(graph(), split(120), settings, first=1e-3, last=1e-2, steps=10)
    trainer, losses = Trainer(graph(), split(120), settings), []
    for rate, epoch in zip(sweep.rates, [0] * 6 + [1] * 4, strict=True):
        batch = list(trainer.batches(epoch))[len(losses) % 6]
        losses.append(trainer.learn(batch, rate).loss)
    assert sweep.losses == losses


def test_random_data_get_no_suggestion():
    images = split(120)
    rng = np.random.default_rng(0)
    images.train.images[:] = rng.integers(0, 255, images.train.images.shape)
    images.train.labels[:] = rng.integers(0, 2, 60)
    sweep = find_learning_rate(graph(), images, Settings(batch_size=4), first=1e-6, last=1e-4, steps=30)
    assert sweep.suggestion is None
    assert "No suggestion" in str(sweep)
    assert "Try more steps" in sweep.figure()[1]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"steps": 9}, "steps must be at least 10"),
        ({"first": 0.0}, "first must be above 0 and last above first, got first=0 and last=10"),
        ({"first": 1.0, "last": 0.1}, "first must be above 0 and last above first"),
        ({"last": float("inf")}, "last must be finite"),
        ({"first": "1"}, "first must be a number"),
    ],
)
def test_sweep_rejects_invalid_arguments(wrong, message):
    with pytest.raises((TypeError, ValueError), match=message):
        find_learning_rate(graph(), split(), SETTINGS, **wrong)


def test_infinite_first_loss_is_explained():
    g = graph()
    g.params["conv2/3x3/weight"][0, 0, 0, 0] = np.nan
    with pytest.raises(ValueError, match=r"not finite after 0 steps, at the rate 1e-05\. Use a smaller first"):
        find_learning_rate(g, split(), SETTINGS)


def test_figure_marks_the_lowest_loss_and_the_suggestion():
    rates = np.geomspace(1e-3, 10, 20).tolist()
    losses = [2.0] * 8 + [1.5, 1.0, 0.6, 0.5, 0.9, 2, 3, 4, 5, 6, 7, 8]
    sweep = RateSweep(rates, losses, losses, rates[11], 0.02, 1.5, 0.1)
    figure, text = sweep.figure()
    (axis,) = figure.axes
    assert axis.get_xscale() == "log"
    assert [line.get_label() for line in axis.lines] == [
        "each step",
        "running mean",
        "lowest, at 0.21",
        "suggestion, 0.02",
    ]
    assert "Suggested learning rate: 0.02" in text
    assert text.isascii()
    assert f"{rates[-1]:10.3g}     8.0000" in text
