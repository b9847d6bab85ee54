"""Plans: the results of the graph, with the parameters from the time when the plan was made."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numeric import assert_close, awkward, draw, needs_numba

import minigooglenet as mg
from minigooglenet.kernels import numpy as readable


@pytest.fixture
def net():
    g = mg.Graph(image=(2, 8, 8))
    wire = mg.models.inception(g, "image", "module", 3, 2, 4, 1, 2, 2, style=mg.models.Style(norm="batch", rng=0))
    wire = g.add("global", mg.layers.GlobalAvgPool2d(), wire)
    g.add("head", mg.layers.Linear(11, 3, rng=1), wire)
    g.add("main", mg.layers.Linear(11, 4, rng=2), wire)
    return g


X = draw(2, 2, 8, 8, dtype=np.float32)


def test_plan_computes_what_the_graph_does(net):
    y = mg.plan(net)(X)
    assert y.dtype == np.float32
    assert_close(y, net(X))


def test_plan_of_several_outputs_returns_a_dict(net):
    expected, _ = net.forward({"image": X})
    assert_close(mg.plan(net, "head")(X), expected["head"])
    assert_close(mg.plan(net, ["head"])(X), expected["head"])
    both = mg.plan(net, ["main", "head"])(X)
    assert list(both) == ["main", "head"]
    for wire, y in both.items():
        assert_close(y, expected[wire])


def test_plan_can_return_an_inner_wire(net):
    assert_close(mg.plan(net, "module/output")(X), net.forward({"image": X}, ["module/output"])[0]["module/output"])


def test_plan_copies_the_parameters(net):
    plan, before = mg.plan(net), net(X)
    net.params["main/weight"][:] = 0
    net.params["module/1x1/weight"] = net.params["module/1x1/weight"] * 2
    net.buffers["module/bn_1x1/running_mean"][:] = 5
    net.add("later", mg.layers.ReLU(), "main")
    assert_close(plan(X), before)
    assert (net(X) != plan(X)).any()


def test_plan_does_not_change_the_graph(net):
    before = {key: value.copy() for key, value in (*net.params.items(), *net.buffers.items())}
    plan = mg.plan(net)
    plan(X)
    plan(X)
    assert all((value == before[key]).all() for key, value in (*net.params.items(), *net.buffers.items()))


def test_plan_takes_named_inputs_and_awkward_memory(net):
    plan = mg.plan(net)
    odd = awkward(X)
    assert_close(plan({"image": odd}), plan(X))
    assert (odd == X).all()


def test_results_of_a_plan_do_not_alias(net):
    plan = mg.plan(net)
    first, second = plan(X), plan(X)
    assert not np.shares_memory(first, second)
    first[:] = 0
    assert (plan(X) == second).all()


def test_plan_works_for_any_batch(net):
    plan = mg.plan(net)
    many = plan(np.concatenate([X] * 3))
    assert_close(many, np.concatenate([plan(X)] * 3))
    assert_close(plan(X[:1]), plan(X)[:1])


def test_plan_in_double_precision(net):
    double = net.astype(np.float64)
    y = mg.plan(double)(X.astype(np.float64))
    assert y.dtype == np.float64
    assert_close(y, double(X.astype(np.float64)))


def test_plan_prints_removed_nodes(net):
    text = str(mg.plan(net))
    assert "main" in text
    assert "head" in text.split("removed, because no output needs them")[1].splitlines()[0]
    assert "removed" not in str(mg.plan(net, ["head", "main"]))


def test_plan_of_an_empty_graph_raises():
    with pytest.raises(ValueError, match=r"^the graph has no nodes yet$"):
        mg.plan(mg.Graph(image=(1, 2, 2)))


def test_plan_of_an_unknown_wire_raises(net):
    with pytest.raises(ValueError, match=r"^outputs: unknown wire 'mian'. Did you mean 'main'"):
        mg.plan(net, "mian")


def googlenet_like(norm="lrn"):
    style = mg.models.Style(norm=norm, rng=0)
    g = mg.Graph(image=(3, 24, 20))
    wire = g.add("stem", mg.layers.Conv2d(3, 16, 7, stride=2, padding=3, rng=1), "image")
    wire = g.add("relu", mg.layers.ReLU(), wire)
    wire = g.add("norm", mg.layers.LocalResponseNorm(alpha=1.0), wire)
    wire = g.add("pool", mg.layers.MaxPool2d(3, 2, ceil_mode=True), wire)
    wire = mg.models.inception(g, wire, "a", 8, 8, 16, 4, 8, 8, style=style)
    wire = mg.models.inception(g, wire, "b", 8, 16, 24, 4, 8, 8, style=style)
    side = g.add("side/mean", mg.layers.GlobalAvgPool2d(), wire)
    side = g.add("side/drop", mg.layers.Dropout(0.4), side)
    g.add("side/classifier", mg.layers.Linear(48, 5, rng=2), side)
    wire = g.add("average", mg.layers.AvgPool2d(3, 2), wire)
    wire = g.add("flat", mg.layers.Flatten(), wire)
    wire = g.add("drop", mg.layers.Dropout(0.4), wire)
    wire = g.add("classifier", mg.layers.Linear(g.shapes["flat"][0], 7, rng=3), wire)
    g.add("probabilities", mg.layers.Softmax(), wire)
    return g


BATCH = draw(5, 3, 24, 20, dtype=np.float32)


@pytest.mark.parametrize("norm", ["lrn", "batch"])
@pytest.mark.parametrize("images", [1, 2, 5])
@pytest.mark.parametrize("group_size", [1, 3])
def test_plan_of_any_grouping_matches_forward(norm, images, group_size):
    g = googlenet_like(norm)
    for buffer in g.buffers.values():  # so that batch norm is not the identity
        buffer[:] = np.random.default_rng(1).uniform(0.5, 2, buffer.shape)
    plan = mg.plan(g, g.outputs)
    plan.group_size = group_size
    expected, _ = g.forward({"image": BATCH[:images]})
    for wire, y in plan(BATCH[:images]).items():
        assert_close(y, expected[wire], 2e-5)


def test_plan_can_return_every_wire():
    g = googlenet_like()
    wires = list(g.nodes)
    expected, _ = g.forward({"image": BATCH}, wires)
    for outputs in (wires, *([wire] for wire in wires)):
        result = mg.plan(g, outputs)(BATCH)
        for wire, y in result.items() if len(outputs) > 1 else [(outputs[0], result)]:
            assert_close(y, expected[wire], 2e-5)


@needs_numba
def test_plan_prints_fusion_concat_and_buffers():
    g = googlenet_like("batch")
    text = str(mg.plan(g))
    assert "a/3x3 + a/bn_3x3 + a/relu_3x3" in text
    assert "batch norm folded into the weights, fused ReLU" in text
    assert "4 of 4 inputs are already in place (no copy)" in text
    assert "channels 8 to 24 of a/output" in text
    assert "removed, because they are the identity at inference: drop" in text


def test_plan_keeps_a_wire_with_two_consumers():
    g = mg.Graph(image=(3, 8, 8))
    g.add("conv", mg.layers.Conv2d(3, 4, 3, padding=1, rng=0), "image")
    g.add("relu", mg.layers.ReLU(), "conv")
    g.add("both", mg.layers.Concat(), "conv", "relu", "conv", "image")
    g.add("again", mg.layers.Concat(), "both", "relu")
    x = draw(2, 3, 8, 8, dtype=np.float32)
    assert_close(mg.plan(g)(x), g.forward({"image": x})[0]["again"])


class Doubling(mg.layers.Conv2d):
    """A subclass that overrides `forward`, as a student would write it."""

    def forward(self, x, train=False):
        y, cache = super().forward(x, train)
        return 2 * y, cache


class WholeBatch:
    """A layer without the base class, whose output depends on the whole batch."""

    params = buffers = {}  # noqa: RUF012

    def output_shape(self, shape):
        return shape

    def forward(self, x, train=False):
        return x - x.mean(axis=0), None


def test_overridden_forward_runs_in_plan_and_graph():
    g = mg.Graph(image=(3, 8, 8))
    g.add("conv", Doubling(3, 4, 3, rng=0), "image")
    g.add("relu", mg.layers.ReLU(), "conv")
    g.add("centred", WholeBatch(), "relu")
    x = draw(4, 3, 8, 8, dtype=np.float32)
    expected = g.forward({"image": x})[0]["centred"]
    assert_close(mg.plan(g)(x), expected)
    assert_close(g(x), expected)
    assert "the batch is not split, because conv, centred may depend on the whole batch" in str(mg.plan(g))


def test_own_convolution_in_a_plan_gets_the_whole_batch():
    seen = []

    def forward(x, weight, bias, stride, padding, groups):
        seen.append(len(x))
        return readable.conv2d.forward(x, weight, bias, stride, padding, groups)

    g = mg.Graph(image=(3, 8, 8))
    g.add("conv", mg.layers.Conv2d(3, 4, 3, rng=0, algorithm=(forward, readable.conv2d.backward)), "image")
    g.add("relu", mg.layers.ReLU(), "conv")
    x = draw(4, 3, 8, 8, dtype=np.float32)
    assert_close(mg.plan(g)(x), g.forward({"image": x})[0]["relu"])
    assert seen == [4, 4]


def test_plan_works_after_an_error_in_a_node():
    g = mg.Graph(image=(3, 8, 8))

    class Fails(mg.layers.ReLU):
        def forward(self, x, train=False):
            if (x > 100).any():
                raise ValueError("too bright")
            return super().forward(x, train)

    g.add("gate", Fails(), "image")
    plan, x = mg.plan(g), draw(3, 3, 8, 8, dtype=np.float32)
    with pytest.raises(ValueError, match=r"^node 'gate': too bright$"):
        plan(x + 1000)
    assert_close(plan(x), np.maximum(x, 0))


def test_plan_is_bit_identical_for_any_thread_count(own_threads):
    plan, bits = mg.plan(googlenet_like()), set()
    for threads in (1, 2, 3, 5, 8):
        mg.set_num_threads(threads)
        bits.add(plan(BATCH).tobytes())
    assert len(bits) == 1


@pytest.mark.parametrize("images", [1, 3])
@pytest.mark.parametrize("threads", [2, 3, 8])
def test_plan_may_be_called_from_several_threads_at_once(own_threads, threads, images):
    mg.set_num_threads(threads)
    plan = mg.plan(googlenet_like())
    batches = [draw(images, 3, 24, 20, seed=seed, dtype=np.float32) for seed in range(24)]
    expected = [plan(batch) for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        for y, expected_y in zip(pool.map(plan, batches), expected, strict=True):
            assert (y == expected_y).all()


@pytest.mark.parametrize("off", [pytest.param("fuse", marks=needs_numba), "join", "split_batch"])
def test_each_idea_of_a_plan_can_be_switched_off(off):
    g = googlenet_like("batch")
    assert_close(mg.plan(g, **{off: False})(BATCH), mg.plan(g)(BATCH), 2e-5)
    changed = {"fuse": "a/3x3 + a/bn_3x3", "join": "4 of 4 inputs are already in place", "split_batch": None}[off]
    if changed:
        assert changed in str(mg.plan(g))
        assert changed not in str(mg.plan(g, **{off: False}))


def test_old_name_of_split_batch_warns(net):
    with pytest.warns(DeprecationWarning, match="apart= is now split_batch="):
        assert not mg.plan(net, apart=False).split_batch


def test_plan_of_mixed_precision_follows_its_input():
    g = googlenet_like()
    plan = mg.plan(g)
    y = plan(BATCH.astype(np.float64))
    assert y.dtype == np.float64
    assert_close(y, g(BATCH.astype(np.float64)))
    assert plan(BATCH).dtype == np.float32


def test_plan_of_identities_and_concats_runs():
    g = mg.Graph(image=(2, 4, 4))
    g.add("relu", mg.layers.ReLU(), "image")
    g.add("both", mg.layers.Concat(), "relu", "image")
    x = draw(2, 2, 4, 4, dtype=np.float32)
    assert "1 of 2 inputs are already in place" in str(mg.plan(g))
    assert_close(mg.plan(g)(x), np.concatenate([np.maximum(x, 0), x], axis=1))
    only = mg.Graph(image=(2, 4, 4))
    only.add("drop", mg.layers.Dropout(), "image")
    assert "0 steps" in str(mg.plan(only))
    assert (mg.plan(only)(x) == x).all()


@pytest.mark.parametrize("fuse", [True, False])
def test_grouped_convolution_is_bit_identical_for_any_thread_count(own_threads, fuse):
    g = mg.Graph(image=(8, 12, 12))
    g.add("conv", mg.layers.Conv2d(8, 8, 3, padding=1, rng=0), "image")
    x, bits = draw(4, 8, 12, 12, dtype=np.float32), set()
    for threads in (1, 2, 3, 5):
        mg.set_num_threads(threads)
        bits.add(mg.plan(g, fuse=fuse)(x).tobytes())
    assert len(bits) == 1


def test_impossible_algorithm_raises_before_it_runs():
    with pytest.raises(ValueError, match=r"^Winograd's algorithm computes 3x3"):
        mg.layers.Conv2d(3, 4, 5, padding=2, algorithm="winograd")


@needs_numba
def test_plan_rejects_an_impossible_algorithm():
    layer = mg.layers.Conv2d(3, 4, 3, stride=2)
    layer.algorithm = "winograd"
    g = mg.Graph(image=(3, 9, 9))
    g.add("conv", layer, "image")
    with pytest.raises(ValueError, match=r"Winograd's algorithm computes 3x3 .* stride \(2, 2\)"):
        mg.plan(g)
