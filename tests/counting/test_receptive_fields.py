"""Receptive fields compared with the pixels that gradients reach, on random branched networks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigooglenet as mg
from minigooglenet.counting import Cost, costs
from minigooglenet.layers import (
    AdaptiveAvgPool2d,
    Add,
    AvgPool2d,
    Concat,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    Layer,
    Linear,
    MaxPool2d,
    ReLU,
    Softmax,
)


def ones(layer):
    """Return the layer with weights of 1, so that no gradients cancel."""
    for value in layer.params.values():
        value[...] = 1
    return layer


def reached(g, wire, axis):
    """Return the largest extent of a value's input gradient along an axis, in pixels."""
    most, positions = 0, g.shapes[wire][1:]
    for position in np.ndindex(*positions) if positions else range(g.shapes[wire][0]):
        x = np.random.default_rng(0).standard_normal((1, *g.shapes["image"]))
        _, tape = g.forward({"image": x}, outputs=[wire])
        grad = np.zeros((1, *g.shapes[wire]))
        grad[(0, ..., *position) if positions else (0, position)] = 1
        touched = np.any(g.backward({wire: grad}, tape)[0]["image"] != 0, axis=(0, 1, 3 - axis))
        pixels = np.flatnonzero(touched)
        most = max(most, int(pixels[-1] - pixels[0] + 1) if len(pixels) else 0)
    return most


@st.composite
def windowed(draw):
    """Draw a convolution or average pool without padding, or an adaptive pool."""
    if draw(st.booleans()):
        return AdaptiveAvgPool2d((draw(st.integers(2, 5)), draw(st.integers(2, 5))))
    kernel, stride = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    dilation = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    conv = Conv2d(1, 1, kernel, stride, dilation=dilation, rng=0)
    return draw(st.sampled_from([conv, AvgPool2d(kernel, stride)]))


@given(st.lists(windowed(), min_size=1, max_size=4), st.booleans())
@settings(max_examples=40)
def test_receptive_field_is_what_gradients_reach(layers, ends_in_linear):
    g, wire = mg.Graph(image=(1, 19, 14)), "image"
    for i, layer in enumerate(layers):
        try:
            wire = g.add(f"n{i}", ones(layer), wire)
        except ValueError:  # no window fits any more
            break
    if wire == "image":
        return
    if ends_in_linear:
        wire = g.add("flat", Flatten(), wire)
        wire = g.add("fc", ones(Linear(g.shapes[wire][0], 2)), wire)
    assert mg.count(g)[wire].receptive_field_max == tuple(reached(g, wire, axis) for axis in range(2))


@pytest.mark.parametrize(
    ("layers", "size", "field"),
    [
        ([AdaptiveAvgPool2d(4), Flatten(), Linear(16, 1)], 14, 14),
        ([AdaptiveAvgPool2d(4), Conv2d(1, 1, 2)], 10, 6),
        ([AdaptiveAvgPool2d(4), MaxPool2d(2)], 10, 5),
        (
            [AdaptiveAvgPool2d(2), Conv2d(1, 1, 3, padding=1)],
            14,
            14,
        ),  # padding after an adaptive pool contains no pixels
        ([AdaptiveAvgPool2d(7)], 3, 2),  # more windows than positions: 0..1, 0..1, 0..2, 1..2, ...
        ([Conv2d(1, 1, 3, 2), GlobalAvgPool2d()], 9, 9),
        ([Conv2d(1, 1, 3), Flatten()], 9, 3),
        ([Conv2d(1, 1, 3), Conv2d(1, 1, 3, dilation=2), Conv2d(1, 1, 3, dilation=4)], 15, 15),
        ([Conv2d(1, 1, 3), Flatten(), Softmax()], 9, 9),
        ([Conv2d(1, 1, 3), Softmax(), ReLU(), Dropout()], 9, 3),
    ],
)
def test_receptive_fields_of_chains(layers, size, field):
    g, wire = mg.Graph(image=(1, size, size)), "image"
    for i, layer in enumerate(layers):
        wire = g.add(f"n{i}", layer, wire)
    assert mg.count(g)[wire].receptive_field_max == (field, field)


def test_torchvisions_auxiliary_head_sees_315_pixels():
    counted = mg.count(mg.models.googlenet(variant="torchvision", init="zeros"))
    assert counted["loss1/fc"].receptive_field_max == (315, 315)


@pytest.mark.parametrize("join", [Concat, Add])
def test_shifted_branches_see_their_union(join):
    g = mg.Graph(image=(1, 32, 32))
    left = g.add("left", ones(Conv2d(1, 1, 5, padding=((4, 0), (4, 0)))), "image")
    right = g.add("right", ones(Conv2d(1, 1, 5, padding=((0, 4), (0, 4)))), "image")
    joined = mg.count(g, outputs=[g.add("join", join(), left, right)])["join"]
    assert (joined.receptive_field_min, joined.receptive_field_max) == ((5, 5), (9, 9))
    assert joined.receptive_field_max[0] == max(reached(g, "join", 0), reached(g, "join", 1))


def test_vectors_of_unequal_length_join_end_to_end():
    g = mg.Graph(image=(2, 8, 8))
    pooled = g.add("pooled", GlobalAvgPool2d(), "image")
    flat = g.add("flat", Flatten(), g.add("conv", Conv2d(2, 1, 3), "image"))
    assert mg.count(g, outputs=[g.add("join", Concat(), pooled, flat)])["join"].receptive_field_max == (8, 8)


def test_windows_past_the_edge_count_their_padding():
    g = mg.Graph(image=(1, 5, 5))
    wire = g.add("a", Conv2d(1, 1, 5, padding=2), "image")
    assert mg.count(g, outputs=[g.add("b", Conv2d(1, 1, 5, padding=2), wire)])["b"].receptive_field_max == (9, 9)


class Every(Layer):
    """A user's layer; its registered cost has only a window."""

    def output_shape(self, x_shape):
        return x_shape[0], x_shape[1] // 2, x_shape[2] // 2


def test_own_layer_needs_only_a_window(monkeypatch):
    monkeypatch.setattr(costs, "COSTS", {**costs.COSTS, Every: lambda layer, x_shape: Cost(window=((4, 4), (2, 2)))})
    g = mg.Graph(image=(1, 16, 16))
    wire = g.add("conv", Conv2d(1, 1, 3, padding=1), "image")
    g.add("own", Every(), wire)
    layer = g.nodes["own"].layer
    windows = costs.windows(layer, costs.cost(layer, (1, 16, 16)), (1, 16, 16))
    assert windows[0][:2] == (range(0, 16, 2), range(4, 20, 2))
    assert mg.count(g)["own"].receptive_field_max == (6, 6)


def test_old_name_of_the_jump_warns():
    row = mg.count(Conv2d(3, 4, 3, stride=(1, 2)), (3, 9, 9)).rows[0]
    with pytest.warns(DeprecationWarning, match="Row.stride is now Row.jump"):
        assert row.stride == row.jump == (1, 2)
