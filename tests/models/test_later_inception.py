"""The Inception networks after GoogLeNet: exact counts, the shapes and the structure of the papers, image sizes."""

import importlib
import math
import re
from pathlib import Path

import pytest

import minigooglenet as mg

bn = importlib.import_module("minigooglenet.models.later.bn_inception")

# {network: (parameters, MACs)}, without auxiliary heads
TOTALS = {
    "bn_inception": (11_194_984, 2_018_851_840),
    "inception_v3": (23_834_568, 5_713_216_096),
    "inception_v4": (42_679_816, 12_253_974_624),
    "inception_resnet_v2": (55_843_464, 13_155_794_016),
    "xception": (22_855_952, 8_357_403_496),
}
# {network: {wire: shape}} from figure 5 of the batch norm paper, table 1 of the v3 paper, figures 3 to 9 and 15 of the
# v4 paper (with the widths of the released Inception-ResNet-v2) and figure 5 of the Xception paper
SHAPES = {
    "bn_inception": {
        "stem/1_7x7": (64, 112, 112),
        "stem/5_pool": (192, 28, 28),
        "inception_3a/output": (256, 28, 28),
        "inception_3b/output": (320, 28, 28),
        "inception_3c/output": (576, 14, 14),
        **{f"inception_4{letter}/output": (576, 14, 14) for letter in "abcd"},
        "inception_4e/output": (1024, 7, 7),
        "inception_5a/output": (1024, 7, 7),
        "inception_5b/output": (1024, 7, 7),
    },
    "inception_v3": {
        "stem/3_3x3": (64, 147, 147),
        "mixed_5d/output": (288, 35, 35),
        "mixed_6e/output": (768, 17, 17),
        "mixed_7a/output": (1280, 8, 8),
        "mixed_7c/output": (2048, 8, 8),
    },
    "inception_v4": {
        "stem_73/output": (160, 73, 73),
        "stem_71/output": (192, 71, 71),
        "stem_35/output": (384, 35, 35),
        **{f"inception_a{number}/output": (384, 35, 35) for number in range(1, 5)},
        "reduction_a/output": (1024, 17, 17),
        **{f"inception_b{number}/output": (1024, 17, 17) for number in range(1, 8)},
        "reduction_b/output": (1536, 8, 8),
        **{f"inception_c{number}/output": (1536, 8, 8) for number in range(1, 4)},
        "pool/global": (1536,),
    },
    "inception_resnet_v2": {
        "mixed_5b/output": (320, 35, 35),
        "block35_10/sum": (320, 35, 35),
        "mixed_6a/output": (1088, 17, 17),
        "block17_20/sum": (1088, 17, 17),
        "mixed_7a/output": (2080, 8, 8),
        "block8_10/sum": (2080, 8, 8),
        "conv_7b/1_1x1": (1536, 8, 8),
    },
    "xception": {
        "block4/sum": (728, 19, 19),
        "block12/sum": (728, 19, 19),
        "block13/sum": (1024, 10, 10),
        "block14/4_3x3_depthwise": (1536, 10, 10),
        "pool/global": (2048,),
    },
}
LEAST = {"bn_inception": 1, "inception_v3": 75, "inception_v4": 75, "inception_resnet_v2": 75, "xception": 7}


@pytest.fixture(scope="module")
def graphs():
    return {name: mg.models.build(name, init="zeros") for name in TOTALS}


def kinds(graph, kind):
    return [(name, layer) for name, (layer, _) in graph.nodes.items() if layer.kind == kind]


@pytest.mark.parametrize("name", TOTALS)
def test_parameters_and_macs_are_the_published_ones(graphs, name):
    counted = mg.count(graphs[name], outputs=[graphs[name].main])
    assert (counted.params, counted.macs) == TOTALS[name]


def test_head_of_inception_v3_counts_as_in_torchvision(graphs):
    counted = mg.count(graphs["inception_v3"])
    assert (counted.params, counted.macs) == (27_161_264, 5_718_899_296)


@pytest.mark.parametrize(("name", "published"), [("inception_v3", 23_817_352), ("inception_resnet_v2", 55_813_192)])
def test_keras_counts_the_same_without_scales_of_batch_norm(graphs, name, published):
    g = graphs[name]
    counted = mg.count(g, outputs=[g.main])
    norms = [row.output_shape[0] for row in counted.rows if row.kind == "BatchNorm2d"]
    assert counted.params - sum(norms) == published


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_are_those_of_the_paper(graphs, name):
    shapes = graphs[name].shapes
    assert {wire: shapes[wire] for wire in SHAPES[name]} == SHAPES[name]


def test_networks_have_one_parameter_for_each_filter_and_scale(graphs):
    """All convolutions are followed by batch norm and have no bias, except projections of residual modules."""
    biased = {
        name: [node for node, layer in kinds(g, "Conv2d") if "bias" in layer.params] for name, g in graphs.items()
    }
    assert all(node.endswith("/projection_1x1") for nodes in biased.values() for node in nodes)
    assert [len(nodes) for nodes in biased.values()] == [0, 0, 0, 40, 0]


@pytest.mark.parametrize(
    ("name", "convolutions"), [("bn_inception", 69), ("inception_v3", 96), ("inception_v4", 149), ("xception", 74)]
)
def test_number_of_convolutions_is_known(graphs, name, convolutions):
    assert len(kinds(graphs[name], "Conv2d")) == convolutions


def test_xception_has_the_papers_layers(graphs):
    """Section 4: 36 convolutional layers in 14 modules, all but the first and the last with residual connections."""
    g = graphs["xception"]
    depthwise = [name for name, layer in kinds(g, "Conv2d") if layer.groups > 1]
    shortcuts = [name for name, _ in kinds(g, "Conv2d") if "/shortcut" in name]
    assert len(kinds(g, "Conv2d")) - len(depthwise) - len(shortcuts) == 36
    assert len({name.partition("/")[0] for name, _ in kinds(g, "Conv2d")}) == 14
    assert [name for name, _ in kinds(g, "Add")] == [f"block{number}/sum" for number in range(2, 14)]
    followers = [layer.kind for name in depthwise for layer, wires in g.nodes.values() if name in wires]
    assert set(followers) == {"Conv2d"}, "nothing is between a depthwise and its 1x1 convolution"


def test_residual_modules_are_scaled_and_not_trained(graphs):
    g = graphs["inception_resnet_v2"]
    scales = {name: float(layer.buffers["weight"][0]) for name, layer in kinds(g, "Scale")}
    modules = (("block35", 10, 0.17), ("block17", 20, 0.1), ("block8", 9, 0.2))
    expected = {f"{block}_{n}/scale": factor for block, count, factor in modules for n in range(1, count + 1)}
    assert scales == pytest.approx({**expected, "block8_10/scale": 1.0})
    assert not any("/scale/" in name for name in g.params)
    assert "block8_9/relu_sum" in g.nodes
    assert "block8_10/relu_sum" not in g.nodes


def test_fork_of_a_branch_ends_in_the_concat(graphs):
    g = graphs["inception_v4"]
    last = [g.nodes[wire].wires[0] for wire in g.nodes["inception_c1/output"].wires]  # before the ReLUs
    assert [wire.partition("/bn_")[2] for wire in last] == ["a2_1x1", "b1_1x1", "c2_1x3", "c2_3x1", "d4_3x1", "d4_1x3"]
    readers = [name for name, node in g.nodes.items() if "inception_c1/relu_d3_3x1" in node.wires]
    assert readers == ["inception_c1/d4_3x1", "inception_c1/d4_1x3"]


@pytest.mark.parametrize("name", LEAST)
def test_least_size_builds_and_a_smaller_one_is_rejected(name):
    g = mg.models.build(name, 3, size=LEAST[name], width=0.05, init="zeros")
    assert all(min(shape) >= 1 for shape in g.shapes.values())
    smaller = LEAST[name] - 1
    with pytest.raises(ValueError, match=rf"size must be at least {LEAST[name]}.*got {smaller}"):
        mg.models.build(name, 3, size=smaller, width=0.05, init="zeros")


@pytest.mark.parametrize("name", LEAST)
def test_least_size_is_the_least_that_fits(name, monkeypatch):
    module = importlib.import_module(f"minigooglenet.models.later.{name}")
    if not hasattr(module, "LEAST"):
        assert LEAST[name] == 1
        return
    monkeypatch.setattr(module, "LEAST", 1)
    with pytest.raises(ValueError, match="the kernel is larger than the padded input"):
        mg.models.build(name, 3, size=LEAST[name] - 1, width=0.05, init="zeros")


@pytest.mark.parametrize("name", TOTALS)
@pytest.mark.parametrize("size", [96, 97, 131, 224])
def test_other_sizes_keep_the_parameters(graphs, name, size):
    g = mg.models.build(name, size=size, init="zeros")
    main = mg.count(g, outputs=[g.main])
    assert main.params == TOTALS[name][0]


@pytest.mark.parametrize("name", TOTALS)
def test_width_scales_every_convolution(graphs, name):
    half = mg.models.build(name, width=0.5, init="zeros")
    assert list(half.nodes) == list(graphs[name].nodes)
    for node, layer in kinds(half, "Conv2d"):
        full = graphs[name].nodes[node].layer
        assert layer.out_channels in (full.out_channels // 2, math.ceil(full.out_channels / 2)), node


def test_caffe_version_of_bn_inception_has_wider_projections(monkeypatch):
    table = {
        **bn.TABLE,
        "inception_4c": bn.module(160, 128, 160, 128, 160, bn.AVG, 128),
        "inception_4d": bn.module(96, 128, 192, 160, 192, bn.AVG, 128),
    }
    monkeypatch.setattr(bn, "TABLE", table)
    assert mg.count(mg.models.bn_inception(init="zeros")).params - TOTALS["bn_inception"][0] == 90_240


def test_examples_on_the_page_run(capsys):
    page = (Path(__file__).parents[2] / "docs" / "networks.md").read_text(encoding="utf-8")
    names = {}
    for block in re.findall(r"```python\n(.*?)```", page, re.S):
        exec(block, names)
    out = capsys.readouterr().out
    assert out.startswith("23834568")
    assert "Conv(filters=384, kernel=3, stride=2, padding=0" in out
