"""Receptive fields and FLOP against RECEPTIVE_FIELD_TABLE.md of google-research/receptive_field, at all end points."""

import math
from pathlib import Path

import pytest

import minigooglenet as mg
from minigooglenet.counting import costs, paths

# {network: {our wire: (receptive field, effective stride)}}; the end points, in the table's order
TABLE = {
    "vgg16": {
        "pool1": (6, 2), "pool2": (16, 4), "pool3": (44, 8), "pool4": (100, 16), "pool5": (212, 32),
    },
    "bn_inception": {
        "stem/1_7x7": (7, 2), "stem/2_pool": (11, 4), "stem/3_1x1": (11, 4), "stem/4_3x3": (19, 4),
        "stem/5_pool": (27, 8),
        "inception_3a/output": (59, 8), "inception_3b/output": (91, 8), "inception_3c/output": (123, 16),
        "inception_4a/output": (187, 16), "inception_4b/output": (251, 16), "inception_4c/output": (315, 16),
        "inception_4d/output": (379, 16), "inception_4e/output": (443, 32), "inception_5a/output": (571, 32),
        "inception_5b/output": (699, 32),
    },
    "inception_v3": {
        "stem/1_3x3": (3, 2), "stem/2_3x3": (7, 2), "stem/3_3x3": (11, 2), "stem/4_pool": (15, 4),
        "stem/5_1x1": (15, 4),
        "stem/6_3x3": (23, 4), "stem/7_pool": (31, 8), "mixed_5b/output": (63, 8), "mixed_5c/output": (95, 8),
        "mixed_5d/output": (127, 8), "mixed_6a/output": (159, 16), "mixed_6b/output": (351, 16),
        "mixed_6c/output": (543, 16), "mixed_6d/output": (735, 16), "mixed_6e/output": (927, 16),
        "mixed_7a/output": (1055, 32), "mixed_7b/output": (1183, 32), "mixed_7c/output": (1311, 32),
    },
    "inception_v4": {
        "stem/1_3x3": (3, 2), "stem/2_3x3": (7, 2), "stem/3_3x3": (11, 2), "stem_73/output": (15, 4),
        "stem_71/output": (47, 4), "stem_35/output": (55, 8),
        **{f"inception_a{n}/output": (55 + 32 * n, 8) for n in range(1, 5)}, "reduction_a/output": (215, 16),
        **{f"inception_b{n}/output": (215 + 192 * n, 16) for n in range(1, 8)}, "reduction_b/output": (1687, 32),
        **{f"inception_c{n}/output": (1687 + 128 * n, 32) for n in range(1, 4)},
    },
    "inception_resnet_v2": {
        "stem/7_pool": (31, 8), "mixed_5b/output": (63, 8), "mixed_6a/output": (415, 16), "block17_20/sum": (2335, 16),
        "mixed_7a/output": (2399, 32), "conv_7b/1_1x1": (3039, 32),
    },
}  # fmt: skip
# {(network, image size): (last end point, billions of FLOP)}
FLOP = {
    ("vgg16", 224): ("pool5", 30.713),
    ("bn_inception", 224): ("inception_5b/output", 4.051),  # theirs is "inception_v2-no-separable-conv"
    ("inception_v3", 224): ("mixed_7c/output", 5.689),
    ("inception_v3", 321): ("mixed_7c/output", 12.727),
    ("inception_v4", 224): ("inception_c3/output", 12.271),
    ("inception_v4", 321): ("inception_c3/output", 27.390),
}
# {network: (last end point, image size, effective padding in the table, ours)}
PADDING = {
    "vgg16": ("pool5", 224, 90, 90),
    "bn_inception": ("inception_5b/output", 224, 318, 343),
    "inception_v3": ("mixed_7c/output", 299, 618, 618),
    "inception_v4": ("inception_c3/output", 299, 998, 998),
    "inception_resnet_v2": ("conv_7b/1_1x1", 299, 1482, 1482),
}


def built(name, size):
    return mg.models.build(name, init="zeros", **({} if name == "vgg16" else {"size": size}))


@pytest.mark.parametrize("name", TABLE)
def test_receptive_fields_equal_the_published_ones(name):
    counted = mg.count(mg.models.build(name, init="zeros"))
    ours = {wire: (counted[wire].receptive_field_max[0], counted[wire].jump[0]) for wire in TABLE[name]}
    assert ours == {wire: TABLE[name][wire] for wire in ours}
    assert all(counted[wire].receptive_field_max[0] == counted[wire].receptive_field_max[1] for wire in ours)


@pytest.mark.parametrize(("name", "size"), FLOP)
def test_flop_equal_theirs_with_biases_and_pools(name, size):
    """Their profile has biases instead of batch norm, and one addition or comparison per value of a pool's window."""
    wire, billions = FLOP[name, size]
    g = built(name, size)
    counted = mg.count(g, outputs=[wire])
    biases = sum(math.prod(row.output_shape) for row in counted.rows if row.kind == "Conv2d")
    windows = sum(
        math.prod(row.output_shape) * math.prod(g.nodes[row.name].layer.kernel_size)
        for row in counted.rows
        if row.kind in ("MaxPool2d", "AvgPool2d")
    )
    assert round((counted.flops + biases + windows) / 1e9, 3) == billions


@pytest.mark.parametrize("name", PADDING)
def test_field_of_the_first_position_begins_at_the_padding(name):
    wire, size, published, ours = PADDING[name]
    g = built(name, size)
    needed = mg.count(g, outputs=[wire]).rows
    known = {
        row.name: costs.cost(g.nodes[row.name].layer, *map(g.shapes.get, g.nodes[row.name].wires)) for row in needed
    }
    first = -int(paths.extents(g, known)[1][wire][0].first[0])
    assert first == ours
    # TensorFlow pads even sizes only at the end: one pixel less before conv1 and before the convolutions of 3c and 4e
    assert ours - published == (1 * 1 + 1 * 8 + 1 * 16 if name == "bn_inception" else 0)


def test_page_has_these_numbers():
    page = (Path(__file__).parents[2] / "docs" / "networks.md").read_text(encoding="utf-8")
    for name, (wire, _, published, ours) in PADDING.items():
        (row,) = [
            line
            for line in page.splitlines()
            if line.startswith("|") and f"`{wire}` |" in line and "receptive" not in line
        ]
        field, theirs, here = row.split("|")[3:6]
        assert (int(field), int(theirs.split()[0]), int(here)) == (TABLE[name][wire][0], published, ours)
    for _, billions in FLOP.values():
        assert f"{billions:.3f}" in page
    counted = mg.count(mg.models.inception_v3(init="zeros"))
    assert counted["classifier"].receptive_field_max == (1311 + 7 * 32,) * 2 == (1535, 1535)
