"""Lesson 12: the images with the strongest activation of a channel, their receptive fields, and occlusion maps."""

import numpy as np
import pytest

from minigooglenet import counting, models
from minigooglenet.graph import Graph
from minigooglenet.layers import Conv2d, Flatten, Linear
from minigooglenet.lessons.lesson_12_transfer import learned


@pytest.fixture(scope="module")
def net():
    return models.mini_googlenet(3, in_channels=1, size=16, width=0.25, dropout=False, rng=0)


def test_strongest_images_are_sorted_with_maximum_positions():
    maps = np.zeros((4, 2, 3, 5))
    maps[2, 1, 0, 4], maps[0, 1, 2, 1], maps[3, 0, 1, 1] = 7, 9, 100
    first, second = learned.strongest(maps, 1, count=2)
    assert (first, second) == ((0, 2, 1, 9.0), (2, 0, 4, 7.0))


def test_purity_skips_dead_channels():
    maps, labels = np.zeros((6, 3, 1, 1)), np.array([0, 0, 0, 1, 1, 1])
    maps[:, 0, 0, 0] = [6, 5, 4, 3, 2, 1]
    maps[:, 2, 0, 0] = [6, 1, 1, 5, 4, 1]
    assert learned.purity(maps, labels, count=3) == pytest.approx([1, 2 / 3])


@pytest.mark.parametrize("wire", ["conv1/relu_3x3", "inception_3a/output"])
def test_pixels_outside_the_window_do_not_change_the_response(net, wire):
    rng = np.random.default_rng(1)
    image = rng.standard_normal((1, 1, 16, 16)).astype(np.float32)
    maps = learned.responses(net, image, wire)
    (response,) = learned.strongest(maps, int(maps.max(axis=(0, 2, 3)).argmax()), count=1)
    top, left, bottom, right = learned.window(net, wire, response)
    field = counting.count(net)[wire].receptive_field_max[0]
    assert bottom - top <= field
    other = rng.standard_normal(image.shape).astype(np.float32)
    other[:, :, top:bottom, left:right] = image[:, :, top:bottom, left:right]
    again = learned.responses(net, other, wire)[:, :, response.row, response.column]
    assert again == pytest.approx(maps[:, :, response.row, response.column], rel=1e-5, abs=1e-6)


@pytest.fixture
def corner_reader():
    """A network whose first logit is the sum of the upper left quarter of an image."""
    g = Graph(image=(1, 4, 4))
    conv = Conv2d(1, 1, 2, stride=2, bias=False)
    conv.params["weight"][...] = 1
    linear = Linear(4, 2)
    linear.params["weight"][...] = [[1, 0, 0, 0], [0, 0, 0, 0]]
    linear.params["bias"][...] = [0, 1]
    g.add("classifier", linear, g.add("flatten", Flatten(), g.add("conv", conv, "image")))
    return g


def test_occlusion_finds_the_only_part_that_matters(corner_reader):
    image = np.ones((1, 4, 4), np.float32)
    drop, answers = learned.occlusion(corner_reader, image, 0, fill=0.0, side=2, step=2)
    assert drop[0, 0] > 0.5
    assert np.delete(drop.ravel(), 0) == pytest.approx([0, 0, 0])
    assert answers.tolist() == [[1, 0], [0, 0]]


def test_occlusion_leaves_the_image_unchanged(corner_reader):
    image = np.ones((1, 4, 4), np.float32)
    learned.occlusion(corner_reader, image, 0, fill=0.0, side=2)
    assert (image == 1).all()


def test_strongest_images_figure_lists_their_indices(net):
    images = np.random.default_rng(2).standard_normal((5, 1, 16, 16)).astype(np.float32)
    _, text = learned.show_strongest(net, images, ["conv1/relu_3x3", "inception_3a/output"], count=3)
    assert text.count("no. ") == 6


def test_occlusion_text_names_largest_drop(corner_reader):
    images = np.ones((3, 1, 4, 4), np.float32)
    drop, _ = learned.occlusion(corner_reader, images[0], 0, fill=0.0, side=2, step=2)
    figure, text = learned.show_occlusion(corner_reader, images, [0, 0, 0], {"ink": 0.0}, side=2, step=2)
    assert len(figure.axes) == 3 * 2 + 1  # and the scale
    assert text.splitlines()[1:] == 3 * [f"a 0, ink: from 0.00 to {drop.max():.2f} (at row 0, column 0)"]
