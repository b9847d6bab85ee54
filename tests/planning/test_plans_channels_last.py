"""Plans with channels last in memory: which graphs get one, and that the results do not depend on it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numeric import assert_close, draw, needs_numba
from test_plan_equals_graph import random_graph

import minigooglenet as mg
from minigooglenet import layers

pytestmark = needs_numba


def images(g, count, dtype=np.float32):
    return {name: draw(count, *shape, dtype=dtype) for name, shape in g.inputs.items()}


@pytest.mark.parametrize("name", ["mini_googlenet", "resnet18", "inception_v3"])
def test_networks_equal_plans_with_channels_first(name, own_threads):
    g = getattr(mg.models, name)(rng=0)
    mg.set_num_threads(2)
    x = images(g, 1)
    plan, other = mg.plan(g), mg.plan(g, channels_last=False)
    assert plan.channels_last
    assert not other.channels_last
    assert_close(plan(x), other(x))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("count", [1, 7])
def test_mini_googlenet_equals_the_graph(count, dtype):
    g = mg.models.mini_googlenet(width=0.5, depth=3, rng=0).astype(dtype)
    plan, x = mg.plan(g), draw(count, 3, 32, 32, dtype=dtype)
    assert plan.channels_last
    assert_close(plan(x), g(x))


def test_complex_images_equal_the_graph():
    g = chain(CONV, layers.AvgPool2d(2), layers.Flatten(), layers.Linear(128, 4, rng=0)).astype(np.float64)
    plan, x = mg.plan(g), draw(2, 3, 9, 9) + 1j * draw(2, 3, 9, 9, seed=1)
    assert plan.channels_last
    assert_close(plan(x), g(x))


@settings(max_examples=150)
@given(st.data())
def test_random_graphs_equal_plans_with_channels_first(data):
    g = random_graph(data, data.draw(st.integers(1, 2), label="inputs"))
    outputs = data.draw(st.lists(st.sampled_from(list(g.nodes)), min_size=1, max_size=4, unique=True), label="outputs")
    x = images(g, data.draw(st.integers(1, 6), label="images"))
    results, expected = (mg.plan(g, outputs, channels_last=last)(x) for last in (True, False))
    for wire in outputs if len(outputs) > 1 else [...]:
        assert_close(results[wire], expected[wire])


def chain(*nodes, shape=(3, 9, 9)):
    g, wire = mg.Graph(image=shape), "image"
    for i, layer in enumerate(nodes):
        wire = g.add(f"node{i}", layer, wire)
    return g


CONV = layers.Conv2d(3, 8, 3, padding=1, rng=0)


@pytest.mark.parametrize(
    ("nodes", "suitable"),
    [
        ([CONV, layers.ReLU(), layers.MaxPool2d(2)], True),
        ([CONV, layers.Tanh(), layers.GlobalAvgPool2d(), layers.Linear(8, 5, rng=0)], True),
        ([CONV, layers.AvgPool2d(2), layers.LocalResponseNorm(3), layers.AdaptiveAvgPool2d(2), layers.Flatten()], True),
        ([layers.MaxPool2d(2), layers.Conv2d(3, 8, 3, rng=0)], False),  # it would read channels first
        ([CONV, layers.Conv2d(8, 8, 3, groups=8, rng=0)], False),
        ([CONV, layers.BatchNorm2d(8), layers.BatchNorm2d(8)], False),
        ([layers.Flatten(), layers.Linear(243, 5, rng=0)], True),  # nothing depends on the order of axes
    ],
)
def test_channels_are_last_if_every_layer_supports_it(nodes, suitable):
    g = chain(*nodes)
    plan, x = mg.plan(g), images(g, 3)
    assert plan.channels_last == suitable
    assert_close(plan(x), g(x["image"]))


@pytest.mark.parametrize(("layer", "suitable"), [(layers.ReLU(), True), (layers.Sigmoid(), False)])
def test_values_of_a_branch_are_written_into_the_concat(layer, suitable):
    g = mg.Graph(image=(3, 6, 5))
    g.add("a", layers.Conv2d(3, 5, 1, rng=0), "image")
    g.add("b", layers.LocalResponseNorm(3), "a")
    g.add("b2", layer, "b")  # with neighbours that belong to "c"; the kernel of a Sigmoid knows no channels
    g.add("c", layers.Conv2d(3, 4, 3, padding=1, rng=1), "image")
    g.add("joined", layers.Concat(), "b2", "c", "a")
    plan, x = mg.plan(g), images(g, 2)
    assert plan.channels_last == suitable
    assert "3 of 3 inputs are already in place" in str(plan)
    assert_close(plan(x), g(x["image"]))


def test_other_forms_keep_channels_first():
    with mg.use("numpy"):
        assert not mg.plan(chain(CONV, layers.MaxPool2d(2))).channels_last
    with mg.use(max_pool2d="numpy"):
        assert not mg.plan(chain(CONV, layers.MaxPool2d(2))).channels_last


def test_plan_prints_that_channels_are_last():
    g = chain(CONV)
    assert "channels last in memory" in str(mg.plan(g))
    assert "channels last" not in str(mg.plan(g, channels_last=False))


@pytest.mark.parametrize("order", ["C", "F", "read-only", "reversed", "every second", "unaligned", "unaligned rows"])
@pytest.mark.parametrize("algorithm", ["numba", "winograd"])
def test_any_memory_layout_of_the_input_is_read(order, algorithm):
    conv = layers.Conv2d(9, 8, 3, padding=1, rng=0, algorithm=algorithm)
    g = chain(conv, layers.MaxPool2d(2), shape=(9, 9, 9))
    x = draw(2, 9, 9, 9, dtype=np.float32)
    unaligned = np.zeros(x.size * 8 + 1, np.uint8)[1:].view(np.float32)
    y = {
        "C": x,
        "F": np.asfortranarray(x),
        "reversed": x[::-1, :, ::-1][::-1, :, ::-1],
        "unaligned": unaligned[: x.size].reshape(x.shape),
        "unaligned rows": unaligned.reshape(2, 9, 9, 18)[..., :9],
        "every second": np.repeat(np.repeat(x, 2, axis=3), 2, axis=1)[:, ::2, :, ::2],
    }.get(order, x.copy())
    y[...] = x
    if order == "read-only":
        y.flags.writeable = False
    assert_close(mg.plan(g)(y), g(x))


def test_plan_keeps_its_weights():
    g = chain(CONV, layers.Flatten(), layers.Linear(648, 4, rng=0))
    plan, x = mg.plan(g), images(g, 2)
    expected = plan(x)
    for array in g.params.values():
        array *= 2
    assert (plan(x) == expected).all()
    for array in g.params.values():
        array /= 2
