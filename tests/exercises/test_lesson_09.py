"""Lesson 09: the helpers that initialise networks and follow their gradients."""

import numpy as np
import pytest

from minigooglenet import models
from minigooglenet.exercises.find import find
from minigooglenet.lessons.lesson_09_starts import drawing, shortcuts, starts


@pytest.fixture(scope="module")
def net():
    return models.mini_googlenet(aux=True, norm=None, dropout=False, size=32, width=0.5, init="zeros")


def test_standard_deviations_match_the_exercise():
    right = find("09.1").reference_function
    for scheme in ("he", "caffe", "glorot"):
        assert starts.std(scheme, 16 * 9, 32 * 9) == pytest.approx(right(32, 16, 3, scheme))
    assert starts.std("0.01", 5, 7) == pytest.approx(0.01)


def test_caffe_initialisation_draws_weights_and_sets_biases(net):
    starts.initialise(net, "caffe", rng=3)
    weight = net.params["inception_4a/3x3/weight"]
    assert weight.std() == pytest.approx(weight[0].size ** -0.5, rel=0.1)
    assert (net.params["conv1/3x3/bias"] == np.float32(0.2)).all()
    assert not net.params["loss3/classifier/bias"].any()


def test_classifier_gradients_add_up(net):
    from minigooglenet import losses

    starts.initialise(net, "he")
    x, wire = starts.images(net, "he"), "conv1/3x3"
    single = [starts.gradients(net, x, classifier, [wire])[1][wire] for classifier in net.outputs]
    weights = losses.head_weights(net.outputs)
    outputs, tape = net.forward({"image": x}, outputs=tuple(weights), train=True)
    _, _, grads = losses.weighted_sum(outputs, np.array([1, 2]), weights)
    together = net.backward(grads, tape, wires=[wire])[0][wire]
    assert starts.norm(*single) == pytest.approx(starts.norm(together), rel=1e-4)


def test_batch_norm_chain_ignores_weight_scale():
    assert starts.chain(10.0, layers=5) == pytest.approx(starts.chain(1.0, layers=5), rel=0.05)


def test_survey_adds_classifier_gradients(net, monkeypatch):
    for constant, wire in (("FIRST", "conv1/3x3"), ("MIDDLE", "conv1/relu_3x3"), ("LAST", "inception_4a/output")):
        monkeypatch.setattr(starts, constant, wire)
    survey = starts.survey(net, "he")
    assert list(survey.at_4a) == list(survey.losses) == list(net.outputs)
    norms = [starts.gradients(net, starts.images(net, "he"), wire, [starts.FIRST])[1] for wire in net.outputs]
    assert survey.with_heads == pytest.approx(starts.norm(*(grads[starts.FIRST] for grads in norms)))


@pytest.fixture
def noise():
    rng = np.random.default_rng(5)
    return rng.standard_normal((8, 1, 16, 16)).astype(np.float32), rng.integers(0, 10, 8)


def test_tower_with_zero_blocks_passes_signal_and_gradient_unchanged(noise):
    assert shortcuts.ratios(shortcuts.tower(shortcut=True, std=0), *noise) == pytest.approx((1, 1))


def test_tower_without_shortcuts_loses_signal_and_gradient(noise):
    signal, gradient = shortcuts.ratios(shortcuts.tower(shortcut=False, std=0.01), *noise)
    assert max(signal, gradient) < 1e-15


def test_tower_training_reports_an_infinite_loss_last(noise):
    losses = shortcuts.train(shortcuts.tower(shortcut=True, std=3.0), *noise, epochs=3)
    assert np.isinf(losses[-1])


def test_figure_text_names_every_value_and_arrow():
    _, text = drawing.log_points({"small": 3e-7, "large": 2.0}, "length")
    assert "small  3e-07" in text
    _, text = drawing.batch_norm_boxes()
    assert text.count(" -> ") == len(drawing.ARROWS)
