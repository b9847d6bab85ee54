"""Lesson 14: its references compute what the engine's convolutions do, and its masks keep a budget."""

import numpy as np
import pytest
from numeric import assert_close

import minigooglenet as mg
from minigooglenet.exercises.find import find
from minigooglenet.kernels import conv2d
from minigooglenet.lessons.lesson_14_after import drawing, sparse
from minigooglenet.models.papers import PAPERS


@pytest.fixture(scope="module")
def networks():
    return drawing.counted()


def test_composed_kernel_equals_two_convolutions():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, 1, 9, 8))
    for first, second in find("14.1").drawn(3):
        both = find("14.1").reference_function(first, second)
        two = conv2d.forward(conv2d.forward(x, first[None, None]), second[None, None])
        assert_close(two, conv2d.forward(x, both[None, None]))


def test_grouped_convolution_equals_the_sum_of_towers():
    rng = np.random.default_rng(1)
    for w1, w2, w3 in find("14.4").drawn(3):
        x, padding = rng.normal(size=(2, w1.shape[2], 5, 6)), (w2.shape[3] // 2, w2.shape[4] // 2)

        def tower(a, b, c, groups=1, x=x, padding=padding):
            inside = np.maximum(conv2d.forward(x, a), 0)
            inside = np.maximum(conv2d.forward(inside, b, padding=padding, groups=groups), 0)
            return conv2d.forward(inside, c)

        total = sum(tower(*weights) for weights in zip(w1, w2, w3, strict=True))
        assert_close(tower(*find("14.4").reference_function(w1, w2, w3), groups=len(w1)), total)


def test_separable_reference_equals_a_grouped_convolution():
    for x, depthwise, pointwise in find("14.5").drawn(3):
        padding = tuple(size // 2 for size in depthwise.shape[2:])
        y = conv2d.forward(conv2d.forward(x, depthwise, padding=padding, groups=x.shape[1]), pointwise)
        assert_close(find("14.5").reference_function(x, depthwise, pointwise), y)


def test_masks_keep_the_largest_weights_of_the_budget():
    g = mg.models.mini_googlenet(10, in_channels=1, size=16, rng=0)
    dense, before = sparse.useful_macs(g), {key: g.params[key].copy() for key in g.params}
    masks = sparse.masks(g, 0.25)
    sparse.apply(g, masks)
    assert dense == mg.count(g).macs
    assert 0.24 * dense < sparse.useful_macs(g) < 0.26 * dense
    for key, mask in masks.items():
        assert mask.sum() == max(1, mask.size // 4)
        assert abs(before[key][mask]).min() >= abs(before[key][~mask]).max()
        np.testing.assert_array_equal(g.params[key], np.where(mask, before[key], 0))


def test_family_figure_shows_every_published_network(networks):
    figure, text = drawing.family(networks)
    assert [row[0] for row in networks] == [paper.title for paper in sorted(PAPERS, key=lambda paper: paper.year)]
    for paper in PAPERS:
        assert paper.title in text
        assert ("not reported" if paper.top5 is None else f"{paper.top5:g}") in text
    assert "Inception-ResNet-v2" in figure.alt_text
    assert not figure.alt_text.endswith("...")


def test_family_figure_is_readable_without_colours(networks):
    figure, _ = drawing.family(networks)
    hatches = {bar.get_hatch() for axis in figure.axes for bar in axis.patches}
    assert hatches == {"", "//"}
