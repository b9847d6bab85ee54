"""GoogLeNet matches the paper's Table 1 and BVLC's replication."""

import json
from pathlib import Path

import numpy as np
import pytest

import minigooglenet as mg

# The 155 nodes of the replication that compute something: name, kind, output shape, weights, biases, MACs.
LAYERS = json.loads((Path(__file__).parent / "googlenet_layers.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def counted():
    return mg.count(mg.models.googlenet(init="zeros"))


def test_all_155_layers_match_the_replication(counted):
    ours = [
        [row.name, row.kind, list(row.output_shape), row.weights, row.biases, row.macs]
        for row in counted.rows
        if row.kind != "Flatten"
    ]
    assert ours == LAYERS
    assert len(ours) == 155


def test_every_convolution_is_followed_by_its_relu():
    g = mg.models.googlenet(init="zeros")
    readers = {wire: name for name, (_, wires) in g.nodes.items() for wire in wires}
    convolutions = [name for name, (layer, _) in g.nodes.items() if layer.kind == "Conv2d"]
    assert len(convolutions) == 59
    assert all(g.nodes[readers[name]].layer.kind == "ReLU" for name in convolutions)


def test_branches_meet_in_the_order_of_the_replication():
    g = mg.models.googlenet(init="zeros")
    assert g.nodes["inception_4c/output"].wires == tuple(
        f"inception_4c/relu_{branch}" for branch in ("1x1", "3x3", "5x5", "pool_proj")
    )


def test_heads_sit_on_4a_and_4d():
    g = mg.models.googlenet(init="zeros")
    assert g.nodes["loss1/ave_pool"].wires == ("inception_4a/output",)
    assert g.nodes["loss2/ave_pool"].wires == ("inception_4d/output",)
    assert g.outputs == ("loss1/classifier", "loss2/classifier", "loss3/classifier")


def test_constants_of_pools_normalisation_and_dropout_are_bvlcs():
    nodes = mg.models.googlenet(init="zeros").nodes
    norm = nodes["pool1/norm1"].layer
    assert (norm.size, norm.alpha, norm.beta, norm.k) == (5, 1e-4, 0.75, 1.0)
    assert [nodes[name].layer.p for name in ("loss1/drop_fc", "loss2/drop_fc", "pool5/drop_7x7_s1")] == [0.7, 0.7, 0.4]
    pools = [nodes[f"pool{i}/3x3_s2"].layer for i in (1, 2, 3, 4)]
    assert all(
        (p.kernel_size, p.stride, p.padding, p.ceil_mode) == ((3, 3), (2, 2), ((0, 0), (0, 0)), True) for p in pools
    )


def test_caffe_initialisation_matches_the_replication():
    g = mg.models.googlenet(rng=0)
    for name, (layer, _) in g.nodes.items():
        if "weight" not in layer.params:
            continue
        weight, bias = layer.params["weight"], layer.params["bias"]
        bound = np.sqrt(3 / np.prod(weight.shape[1:]))
        assert np.abs(weight).max() <= np.float32(bound) * 1.0001
        if weight.size > 10_000:
            assert weight.std() == pytest.approx(bound / np.sqrt(3), rel=0.03)
        assert np.all(bias == (0 if name.endswith("classifier") else np.float32(0.2)))


@pytest.mark.parametrize(
    ("init", "deviation"), [("he", lambda fan_in: np.sqrt(2 / fan_in)), ("gaussian", lambda _: 0.01)]
)
def test_other_initialisations_have_their_deviation_and_no_bias(init, deviation):
    g = mg.models.googlenet(init=init, rng=0, aux=False)
    weight = g.params["inception_4e/3x3/weight"]
    assert weight.std() == pytest.approx(deviation(np.prod(weight.shape[1:])), rel=0.02)
    assert not any(np.any(value) for key, value in g.params.items() if key.endswith("bias"))


def test_batch_norm_replaces_normalisation_and_biases():
    g = mg.models.googlenet(norm="batch", aux=False, init="zeros")
    kinds = [layer.kind for layer, _ in g.nodes.values()]
    assert kinds.count("BatchNorm2d") == kinds.count("Conv2d") == 57
    assert "LocalResponseNorm" not in kinds
    assert mg.count(g).params == 7_005_832


def test_names_do_not_depend_on_norm_and_dropout():
    whole = set(mg.models.googlenet(init="zeros").nodes)
    bare = set(mg.models.googlenet(norm=None, dropout=False, init="zeros").nodes)
    assert whole - bare == {
        "pool1/norm1",
        "conv2/norm2",
        "loss1/drop_fc",
        "loss2/drop_fc",
        "pool5/drop_7x7_s1",
    }
    assert bare <= whole


def test_width_scales_every_channel_count():
    g = mg.models.googlenet(num_classes=7, width=0.25, init="zeros")
    assert g.shapes["inception_3a/output"] == (64, 28, 28)
    assert g.shapes["loss1/fc"] == (256,)
    assert g.shapes["loss3/classifier"] == (7,)


@pytest.mark.parametrize("size", [64, 96, 128, 225, 256])
def test_other_image_sizes_end_in_one_value_per_channel(size):
    g = mg.models.googlenet(size=size, width=0.1, init="zeros")
    assert g.shapes["pool5/7x7_s1"][1:] == (1, 1)


def test_same_seed_builds_the_same_network():
    a, b, c = (mg.models.googlenet(width=0.1, size=64, rng=seed).params for seed in (1, 1, 2))
    assert all(np.array_equal(a[key], b[key]) for key in a)
    assert not np.array_equal(a["conv1/7x7_s2/weight"], c["conv1/7x7_s2/weight"])


def test_unknown_choice_raises():
    for wrong in ({"norm": "layer"}, {"init": "xavier"}, {"variant": "v2"}, {"width": 0}):
        with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be"):
            mg.models.googlenet(**wrong)


def test_whole_network_runs_forward_and_backward_at_224():
    g = mg.models.googlenet(rng=0)
    x = np.random.default_rng(1).normal(0, 50, (2, 3, 224, 224)).astype(np.float32)
    logits, tape = g.forward({"image": x}, train=True)
    assert {wire: array.shape for wire, array in logits.items()} == dict.fromkeys(g.outputs, (2, 1000))
    total, each, grads = mg.losses.weighted_sum(logits, np.array([3, 999]), mg.losses.head_weights(g.outputs))
    assert total == pytest.approx(
        float(each["loss3/classifier"]) + 0.3 * float(each["loss1/classifier"] + each["loss2/classifier"])
    )
    grad_inputs, grad_params = g.backward(grads, tape)
    assert grad_inputs["image"].shape == x.shape
    assert {key: value.shape for key, value in grad_params.items()} == {k: v.shape for k, v in g.params.items()}
    assert all(np.isfinite(value).all() and np.any(value) for value in grad_params.values())


def test_gradient_of_the_whole_network_agrees_with_a_difference():
    g = mg.models.googlenet(num_classes=10, size=96, width=0.25, rng=0)
    x = np.random.default_rng(2).standard_normal((2, 3, 96, 96))
    assert mg.gradcheck.directional_check(g, x, np.array([1, 8])).relative_error < 1e-5


def test_deeper_mini_googlenet_repeats_modules():
    g = mg.models.mini_googlenet(depth=7, aux=True, init="zeros")
    outputs = [name for name in g.nodes if name.startswith("inception") and name.endswith("/output")]
    assert [name[10:12] for name in outputs] == ["3a", "3b", "3c", "3d", "4a", "4b", "4c"]
    assert g.shapes["inception_3d/output"] == g.shapes["inception_3b/output"]
    assert g.nodes["loss1/ave_pool"].wires == ("inception_3d/output",)
    assert mg.models.mini_googlenet(init="zeros").shapes == mg.models.mini_googlenet(depth=4, init="zeros").shapes
    with pytest.raises(ValueError, match="depth must be at most 52 modules"):
        mg.models.mini_googlenet(depth=53)
