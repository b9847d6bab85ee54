"""Probabilities are the mean over crops and models, for any batch size."""

import tracemalloc

import numpy as np
import pytest

import minigooglenet as mg
from minigooglenet import data
from minigooglenet.evaluation import crops, predictions, probabilities
from minigooglenet.evaluation.prediction import crop_count


def _net(seed, channels=3, classes=4, size=8):
    g = mg.Graph(image=(channels, size, size))
    wire = g.add("relu", mg.layers.ReLU(), g.add("conv", mg.layers.Conv2d(channels, 6, 3, rng=seed), "image"))
    g.add("head", mg.layers.Linear(6, classes, rng=seed), g.add("early", mg.layers.GlobalAvgPool2d(), wire))
    g.add("flat", mg.layers.Flatten(), wire)
    g.add("logits", mg.layers.Linear(6 * (size - 2) ** 2, classes, rng=seed + 1), "flat")
    return g


def _images(count=5, channels=3):
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (channels, *rng.integers(5, 40, 2)), np.uint8) for _ in range(count)]


def _softmax(logits):
    powers = np.exp(logits.astype(np.float64) - logits.max())
    return powers / powers.sum()


@pytest.mark.parametrize("count", [1, 10, 144])
def test_probabilities_are_the_mean_over_crops_and_models(count):
    nets, images = [_net(seed) for seed in (1, 2, 3)], _images()
    result = probabilities(nets, images, data.UNIT, count, batch_size=16)
    for row, image in zip(result, images, strict=True):
        rows = [_softmax(net(data.UNIT.to_input(crop[None]))[0]) for net in nets for crop in crops(image, 8, count)]
        assert row == pytest.approx(np.mean(rows, axis=0), abs=1e-6)
    assert result.dtype == np.float64
    assert result.sum(axis=1) == pytest.approx(1, abs=1e-12)


def test_probabilities_differ_from_softmax_of_mean_logits():
    net, images = _net(1), _images(1)
    net.params["logits/weight"] *= 30
    logits = net(data.UNIT.to_input(crops(images[0], 8, 10)))
    assert np.abs(probabilities([net], images, data.UNIT, 10)[0] - _softmax(logits.mean(axis=0))).max() > 1e-3


def test_batch_size_changes_only_round_off():
    nets, images = [_net(seed) for seed in (1, 2)], _images(7)
    whole = probabilities(nets, images, data.UNIT, 10, batch_size=1000)
    for size in (1, 3, 10, 29):
        assert probabilities(nets, images, data.UNIT, 10, batch_size=size) == pytest.approx(whole, abs=1e-6)


def test_per_sample_network_is_bit_identical_for_any_batch_size():
    g = mg.Graph(image=(3, 8, 8))
    g.add("logits", mg.layers.GlobalAvgPool2d(), g.add("relu", mg.layers.ReLU(), "image"))
    images = _images(5)
    whole = probabilities([g], images, data.UNIT, 144, batch_size=1000)
    for size in (1, 7, 144):
        assert np.array_equal(probabilities([g], images, data.UNIT, 144, batch_size=size), whole)


def test_one_pass_gives_all_crop_counts():
    nets, images = [_net(seed) for seed in (1, 2)], _images(3)
    together = np.stack(list(predictions(nets, images, data.UNIT, (0, 1, 10, 144))))
    assert together.shape == (3, 2, 4, 4)
    assert [crop_count(counts) for counts in ([1], [10, 1], [1, 144, 10], [0, 1])] == [1, 10, 144, 2]
    for index, count in enumerate((0, 1, 10, 144)):
        for number, net in enumerate(nets):
            expected = probabilities(net, images, data.UNIT, count)
            assert together[:, number, index] == pytest.approx(expected, abs=1e-6)


def test_plan_and_graph_give_equal_probabilities():
    net, images = _net(1), _images(2)
    assert np.array_equal(
        probabilities([mg.plan(net)], images, data.UNIT, 10), probabilities([net], images, data.UNIT, 10)
    )


def test_final_softmax_is_applied_once():
    net, other, images = _net(1), _net(1), _images(2)
    other.add("probabilities", mg.layers.Softmax(), "logits")
    assert np.array_equal(probabilities([other], images, data.UNIT, 10), probabilities([net], images, data.UNIT, 10))


def test_pixels_decide_how_images_become_inputs():
    net, image = _net(1), _images(1)[0]
    blue_first = data.Pixels((104, 117, 123), (50, 60, 70), "BGR")
    red_first = data.Pixels((123, 117, 104), (70, 60, 50), "RGB")
    result = probabilities([net], [image], blue_first)
    net.params["conv/weight"] = np.ascontiguousarray(net.params["conv/weight"][:, ::-1])
    assert result == pytest.approx(probabilities([net], [image], red_first), abs=1e-6)


def test_grey_images_need_grey_networks():
    assert probabilities([_net(1, channels=1)], _images(2, 1), data.GREY_UNIT, 144).shape == (2, 4)
    with pytest.raises(ValueError, match=r"pixels must be \(\.\.\., 3, H, W\) for RGB, got \(1, 1, 8, 8\)"):
        probabilities([_net(1)], _images(1, 1), data.UNIT)


def test_images_are_read_on_demand_and_freed():
    read = []

    def images():
        for number in range(40):
            read.append(number)
            yield np.full((3, 600, 600), number, np.uint8)

    answers = predictions([_net(1)], images(), data.UNIT, (10,), batch_size=40)
    next(answers)
    assert len(read) == 4
    tracemalloc.start()
    rest = sum(1 for _ in answers)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rest == 39
    assert most < 8 * 3 * 600 * 600


def test_on_batch_counts_every_crop_of_every_model():
    seen = []
    probabilities([_net(1), _net(2)], _images(3), data.UNIT, 10, batch_size=16, on_batch=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 2 * 3 * 10


def test_probabilities_reject_infinite_logits():
    broken = _net(2)
    broken.params["logits/bias"][0] = np.inf
    with pytest.raises(FloatingPointError, match="the logits of model 1 are not finite"):
        probabilities([_net(1), broken], _images(1), data.UNIT)


def test_probabilities_reject_incompatible_models():
    with pytest.raises(ValueError, match="models is empty"):
        probabilities([], _images(1), data.UNIT)
    with pytest.raises(ValueError, match=r"model 0 maps \(3, 8, 8\) to \(4,\), model 1 maps \(3, 8, 8\) to \(5,\)"):
        probabilities([_net(1), _net(1, classes=5)], _images(1), data.UNIT)
    with pytest.raises(TypeError, match=r"a model must be a Graph or a plan, got str\. Load a file with"):
        probabilities(["net.npz"], _images(1), data.UNIT)
    with pytest.raises(ValueError, match="one input and one output, got image and head, logits"):
        probabilities([mg.plan(_net(1), ["head", "logits"])], _images(1), data.UNIT)
    with pytest.raises(
        ValueError, match=r"must map \(C, size, size\) to \(classes,\), this one maps \(3, 8, 8\) to \(6, 6, 6\)"
    ):
        probabilities([mg.plan(_net(1), "conv")], _images(1), data.UNIT)


def test_probabilities_reject_an_empty_batch():
    with pytest.raises(ValueError, match="images is empty"):
        probabilities([_net(1)], [], data.UNIT)
