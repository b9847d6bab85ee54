"""ResNets, ResNeXt, SqueezeNets, MobileNet-v2 and EfficientNet-Lite0: exact counts, the papers' shapes, image sizes."""

import importlib

import pytest

import minigooglenet as mg
from minigooglenet.models import Style
from minigooglenet.models.later.blocks import Blocks

squeezenet = importlib.import_module("minigooglenet.models.later.squeezenet")

# {network: (parameters, MACs)} for images of 224 x 224
TOTALS = {
    "resnet18": (11_689_512, 1_814_073_344),
    "resnet50": (25_557_032, 4_089_184_256),
    "resnext50_32x4d": (25_028_904, 4_230_479_872),
    "squeezenet1_0": (1_248_424, 818_924_576),
    "squeezenet1_1": (1_235_496, 349_151_936),
    "mobilenet_v2": (3_504_872, 300_774_272),
    "efficientnet_lite0": (4_652_008, 385_187_552),
}
BLOCKS = {"mobilenet_v2": (1, 3, 6, 10, 13, 16, 17), "efficientnet_lite0": (1, 3, 5, 8, 11, 15, 16)}
BOTTLENECKS = {
    "conv2_3/sum": (256, 56, 56),
    "conv3_4/sum": (512, 28, 28),
    "conv4_6/sum": (1024, 14, 14),
    "conv5_3/sum": (2048, 7, 7),
}
# {network: {wire: shape}} from table 1 of the ResNet, ResNeXt and SqueezeNet papers, table 2 of MobileNet-v2's, and
# table 1 of EfficientNet's
SHAPES = {
    "resnet18": {
        "conv1/1_7x7": (64, 112, 112),
        "conv2_2/sum": (64, 56, 56),
        "conv3_2/sum": (128, 28, 28),
        "conv4_2/sum": (256, 14, 14),
        "conv5_2/sum": (512, 7, 7),
    },
    "resnet50": BOTTLENECKS,
    "resnext50_32x4d": BOTTLENECKS,
    "squeezenet1_1": {
        "conv1/1_3x3": (64, 111, 111),
        "fire3/output": (128, 55, 55),
        "fire5/output": (256, 27, 27),
        "fire9/output": (512, 13, 13),
        "conv10/1x1": (1000, 13, 13),
    },
    "squeezenet1_0": {
        "conv1/1_7x7": (96, 109, 109),
        "conv1/2_pool": (96, 54, 54),
        "fire4/output": (256, 54, 54),
        "fire8/output": (512, 27, 27),
        "fire9/output": (512, 13, 13),
    },
    "mobilenet_v2": {
        "stem/1_3x3": (32, 112, 112),
        "block1/2_1x1": (16, 112, 112),
        "block3/sum": (24, 56, 56),
        "block6/sum": (32, 28, 28),
        "block10/sum": (64, 14, 14),
        "block13/sum": (96, 14, 14),
        "block16/sum": (160, 7, 7),
        "block17/3_1x1": (320, 7, 7),
        "head/1_1x1": (1280, 7, 7),
    },
    "efficientnet_lite0": {
        "stem/1_3x3": (32, 112, 112),
        "block1/2_1x1": (16, 112, 112),
        "block3/sum": (24, 56, 56),
        "block5/sum": (40, 28, 28),
        "block8/sum": (80, 14, 14),
        "block11/sum": (112, 14, 14),
        "block15/sum": (192, 7, 7),
        "block16/3_1x1": (320, 7, 7),
        "head/1_1x1": (1280, 7, 7),
    },
}
LEAST = {"squeezenet1_0": 21, "squeezenet1_1": 17}


@pytest.fixture(scope="module")
def graphs():
    return {name: mg.models.build(name, init="zeros") for name in TOTALS}


def kinds(graph, kind):
    return [(name, layer) for name, (layer, _) in graph.nodes.items() if layer.kind == kind]


@pytest.mark.parametrize("name", TOTALS)
def test_parameters_and_macs_are_the_published_ones(graphs, name):
    counted = mg.count(graphs[name])
    assert (counted.params, counted.macs) == TOTALS[name]


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_are_those_of_the_paper(graphs, name):
    shapes = graphs[name].shapes
    assert {wire: shapes[wire] for wire in SHAPES[name]} == SHAPES[name]


@pytest.mark.parametrize(("name", "layers"), [("resnet18", 18), ("resnet50", 50), ("resnext50_32x4d", 50)])
def test_layers_on_the_longest_path_give_the_name(graphs, name, layers):
    g = graphs[name]
    weighted = [node for kind in ("Conv2d", "Linear") for node, _ in kinds(g, kind) if "/shortcut" not in node]
    assert len(weighted) == layers


def test_stride_of_a_bottleneck_is_in_its_3x3_convolution(graphs):
    strided = [name for name, layer in kinds(graphs["resnet50"], "Conv2d") if layer.stride == (2, 2)]
    assert strided == [
        "conv1/1_7x7",
        *(f"{stage}_1/{step}" for stage in ("conv3", "conv4", "conv5") for step in ("shortcut1_1x1", "2_3x3")),
    ]


def test_resnext_has_32_groups_of_4_channels_first(graphs):
    grouped = {name: layer for name, layer in kinds(graphs["resnext50_32x4d"], "Conv2d") if layer.groups > 1}
    assert len(grouped) == 16
    assert {layer.groups for layer in grouped.values()} == {32}
    assert grouped["conv2_1/2_3x3"].params["weight"].shape == (128, 4, 3, 3)
    assert grouped["conv5_3/2_3x3"].params["weight"].shape == (1024, 32, 3, 3)


@pytest.mark.parametrize("name", BLOCKS)
def test_bottlenecks_are_linear_and_added_at_equal_shapes(graphs, name):
    g = graphs[name]
    last = BLOCKS[name][-1]
    first = {1, *(end + 1 for end in BLOCKS[name][:-1])}  # of each row of the table; these change the shape
    assert [node for node, _ in kinds(g, "Add")] == [f"block{n}/sum" for n in range(1, last + 1) if n not in first]
    ends = {node.partition("/")[0]: node for node, _ in kinds(g, "BatchNorm2d") if node.startswith("block")}
    assert not any(
        layer.kind == "ReLU6" for node in ends.values() for layer, wires in g.nodes.values() if node in wires
    )
    assert len(kinds(g, "ReLU6")) == 2 + 2 * last - 1


def test_kernels_of_efficientnet_lite0_are_those_of_b0(graphs):
    depthwise = [layer.kernel_size[0] for _, layer in kinds(graphs["efficientnet_lite0"], "Conv2d") if layer.groups > 1]
    assert depthwise == [3] * 3 + [5] * 2 + [3] * 3 + [5] * 7 + [3]
    padding = {layer.padding for _, layer in kinds(graphs["efficientnet_lite0"], "Conv2d") if layer.stride == (2, 2)}
    assert padding == {((0, 1), (0, 1)), ((1, 2), (1, 2))}, "SAME pads even maps at the end"
    assert {layer.eps for _, layer in kinds(graphs["efficientnet_lite0"], "BatchNorm2d")} == {1e-3}


def test_squeezenet_has_a_bias_in_every_convolution(graphs):
    for name in ("squeezenet1_0", "squeezenet1_1"):
        assert all("bias" in layer.params for _, layer in kinds(graphs[name], "Conv2d"))
        assert len(kinds(graphs[name], "Conv2d")) == 2 + 8 * 3
    assert graphs["squeezenet1_0"].nodes["fire2/output"].wires == ("fire2/relu_2_1x1", "fire2/relu_2_3x3")
    readers = [name for name, node in graphs["squeezenet1_0"].nodes.items() if "fire2/relu_1_1x1" in node.wires]
    assert readers == ["fire2/2_1x1", "fire2/2_3x3"]


@pytest.mark.parametrize("name", LEAST)
def test_least_size_builds_and_a_smaller_one_is_rejected(name):
    g = mg.models.build(name, 3, size=LEAST[name], width=0.25, init="zeros")
    assert g.shapes["conv10/1x1"] == (3, 1, 1)
    smaller = LEAST[name] - 1
    with pytest.raises(ValueError, match=rf"size must be at least {LEAST[name]}.*got {smaller}"):
        mg.models.build(name, 3, size=smaller, width=0.25, init="zeros")
    table = {"squeezenet1_0": squeezenet.VERSION_1_0, "squeezenet1_1": squeezenet.VERSION_1_1}[name]
    with pytest.raises(ValueError, match="larger than the padded input"):
        squeezenet._built(Blocks(mg.Graph(image=(3, smaller, smaller)), Style(init="zeros")), table, 3)


@pytest.mark.parametrize("name", sorted(TOTALS.keys() - LEAST.keys()))
def test_single_pixel_is_an_image(name):
    g = mg.models.build(name, 3, size=1, width=0.25, init="zeros")
    assert g.shapes["classifier"] == (3,)


@pytest.mark.parametrize("name", TOTALS)
@pytest.mark.parametrize("size", [97, 160])
def test_other_sizes_keep_the_parameters(name, size):
    assert mg.count(mg.models.build(name, size=size, init="zeros")).params == TOTALS[name][0]


@pytest.mark.parametrize("name", TOTALS)
def test_width_scales_every_convolution(graphs, name):
    half = mg.models.build(name, width=0.5, init="zeros")
    assert list(half.nodes) == list(graphs[name].nodes)
    for node, layer in kinds(half, "Conv2d"):
        if node != "conv10/1x1":  # one filter per class
            assert layer.out_channels == graphs[name].nodes[node].layer.out_channels // 2, node


def test_width_that_splits_a_group_is_rejected():
    with pytest.raises(ValueError, match="groups"):
        mg.models.resnext50_32x4d(width=0.1, init="zeros")
