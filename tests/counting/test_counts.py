"""Counts compared with known integers, with the arrays of a run, and with each other."""

import csv
import json
import re

import numpy as np
import pytest

import minigooglenet as mg
from minigooglenet.counting.rows import SUMMED
from minigooglenet.layers import AdaptiveAvgPool2d, AvgPool2d, BatchNorm2d, Conv2d, Dropout, Layer, MaxPool2d, ReLU


@pytest.fixture(scope="module")
def whole():
    return mg.count(mg.models.googlenet(init="zeros"))


@pytest.fixture(scope="module")
def main():
    return mg.count(mg.models.googlenet(init="zeros"), outputs=["loss3/classifier"])


def test_googlenet_has_its_published_totals(whole, main):
    assert (whole.params, whole.macs) == (13_378_280, 1_591_044_096)
    assert (main.params, main.weights, main.biases) == (6_998_552, 6_990_272, 8_280)
    assert (main.macs, main.flops) == (1_582_671_872, 3_165_343_744)


def test_it_is_22_layers_deep_and_27_with_pooling(whole, main):
    assert (main.depth, main.depth_with_pooling) == (22, 27)
    assert (whole.depth, whole.depth_with_pooling) == (22, 27)


def test_rows_sum_to_the_totals(whole):
    for column in SUMMED:
        assert sum(getattr(row, column) for row in whole.rows) == getattr(whole, column), column


def test_every_count_is_a_python_integer(whole):
    assert all(type(getattr(row, column)) is int for row in whole.rows for column in SUMMED)


def test_training_step_costs_almost_three_forward_passes(main):
    step = main.macs + main.grad_input_macs + main.grad_weight_macs - main["conv1/7x7_s2"].grad_input_macs
    assert round(step / main.macs, 3) == 2.925


@pytest.mark.parametrize(
    ("node", "largest", "stride"),
    [("conv2/3x3", 19, 4), ("inception_3b/output", 91, 8), ("inception_5b/output", 715, 32), ("pool5/7x7_s1", 907, 32)],
)
def test_receptive_fields_follow_the_largest_path(main, node, largest, stride):
    assert main[node].receptive_field_max == (largest, largest)
    assert main[node].jump == (stride, stride)


def test_smallest_path_goes_through_the_1x1_branches(main):
    assert main["inception_3b/output"].receptive_field_min == main["pool2/3x3_s2"].receptive_field_min == (27, 27)


def test_receptive_fields_keep_height_and_width_apart():
    row = mg.count(Conv2d(1, 1, (3, 5), stride=(1, 2)), (1, 9, 9)).rows[0]
    assert (row.receptive_field_max, row.jump) == ((3, 5), (1, 2))


def test_adaptive_windows_are_counted_as_pools():
    count = mg.count(
        AdaptiveAvgPool2d((4, 2)), (3, 14, 7)
    )  # windows of 4 rows and 4 columns; neighbours have one column in common
    assert (count.rows[0].adds, count.rows[0].divides) == (3 * (4 * 4 * 2 * 4 - 8), 3 * 8)
    assert (count.rows[0].receptive_field_max, count.rows[0].jump) == ((4, 4), (3, 3))
    assert (count.depth, count.depth_with_pooling) == (0, 1)
    assert [count.as_convention(tool) for tool in ("fvcore", "ptflops")] == [3 * 14 * 7] * 2


def _arrays(cache):
    if isinstance(cache, np.ndarray):
        yield cache
    elif isinstance(cache, (tuple, list)):
        for part in cache:
            yield from _arrays(part)


@pytest.mark.parametrize("norm", ["lrn", "batch"])
def test_tape_bytes_match_a_real_tape(norm):
    g = mg.models.googlenet(10, size=128, width=0.1, norm=norm, rng=0)
    _, tape = g.forward({"image": np.ones((1, 3, 128, 128), np.float32)}, train=True)
    held = {id(array): array.nbytes for cache in tape.values() for array in _arrays(cache)}
    assert mg.count(g).tape_bytes == sum(held.values())


def test_comparisons_of_a_pool_exclude_padding():
    # 3x3 stride 1 padding 1 on 2 x 2: each of 4 windows contains 4 real values, so 3 comparisons each, in 5 channels.
    assert mg.count(MaxPool2d(3, stride=1, padding=1), (5, 2, 2)).compares == 5 * 4 * 3


def test_operations_of_each_kind_have_a_column(main):
    norm = main["conv2/norm2"]
    assert norm.powers == 192 * 56 * 56
    assert norm.adds == (762 + 192) * 56 * 56  # 5 channels minus itself, fewer at the ends, and k
    assert main["inception_3a/relu_1x1"].compares == 64 * 28 * 28
    assert main["pool5/7x7_s1"].adds == 1024 * 48
    assert main["pool5/7x7_s1"].divides == 1024


@pytest.mark.parametrize(
    ("name", "total"),
    [
        ("torchinfo", 1_585_899_032),
        ("netscope", 1_586_685_952),
        ("fvcore", 1_582_722_048),
        ("ptflops", 1_592_051_080),
        ("torch", 3_165_343_744),
    ],
)
def test_other_tools_totals_follow_from_our_integers(main, name, total):
    converted = main.as_convention(name)
    assert converted == total
    numbers = [int(number.replace(",", "")) for number in re.findall(r"[\d,]{2,}", str(converted))]
    factor = 2 if name == "torch" else 1
    assert numbers[0] == total == factor * numbers[1] + sum(numbers[2:])


def test_unknown_convention_raises(main):
    with pytest.raises(ValueError, match=r"convention must be one of 'torchinfo', .* got 'flops'"):
        main.as_convention("flops")


@pytest.mark.parametrize(
    ("layer", "measured"),
    [
        (AvgPool2d(3, 2), (0, 256)),
        (AdaptiveAvgPool2d(1), (256, 256)),
        (AdaptiveAvgPool2d(3), (256, 256)),
        (MaxPool2d(3, 2), (0, 256)),
        (BatchNorm2d(4), (512, 512)),
        (ReLU(), (0, 256)),
        (Dropout(), (0, 0)),
    ],
)
def test_fvcore_and_ptflops_are_counted_as_measured(layer, measured):
    counted = mg.count(layer, (4, 8, 8))
    assert tuple(int(counted.as_convention(tool)) for tool in ("fvcore", "ptflops")) == measured


def test_torchvisions_googlenet_has_the_measured_totals():
    counted = mg.count(mg.models.googlenet(variant="torchvision", aux=False, init="zeros"))
    totals = [int(counted.as_convention(tool)) for tool in ("torchinfo", "fvcore", "torch")]
    assert totals == [1_498_391_752, 1_504_878_688, 2_996_752_384]


def test_convention_shows_the_call_of_its_tool():
    explanation = mg.count(ReLU(), (4, 8, 8)).as_convention("ptflops").explanation
    assert "backend='pytorch'" in explanation
    assert "'count_functional': False" in explanation


def test_formula_is_shown_with_its_integers(main):
    assert "64*192*3*3*56*56 = 346,816,512 MAC" in main.explain("conv2/3x3")
    assert "110,592 weights + 192 biases = 110,784 parameters" in main.explain("conv2/3x3")


def test_formula_of_a_module_is_the_sum_over_its_nodes(main):
    lines = main.explain("inception_3a").splitlines()
    assert lines[0] == "inception_3a: 14 nodes"
    assert "  inception_3a/3x3: 110,720 parameters, 86,704,128 MAC" in lines
    assert lines[-1] == "  sum: 163,696 parameters, 128,049,152 MAC"  # Table 1 rounds it to 159K and 128M


def test_grouped_formula_counts_the_channels_of_one_group():
    counted = mg.count(Conv2d(96, 256, 5, padding=2, groups=2), (96, 27, 27))
    assert "48*256*5*5*27*27 = 223,948,800 MAC" in counted.explain("Conv2d")


def test_dilation_changes_the_receptive_field_only():
    plain, dilated = (mg.count(Conv2d(4, 8, 3, padding=step, dilation=step), (4, 9, 9)).rows[0] for step in (1, (2, 3)))
    assert plain.macs == dilated.macs == 4 * 8 * 3 * 3 * 9 * 9
    assert (plain.params, plain.terms, plain.tape_bytes) == (dilated.params, dilated.terms, dilated.tape_bytes)
    assert (plain.receptive_field_max, dilated.receptive_field_max) == ((3, 3), (5, 7))
    assert dilated.explain().splitlines()[-2:] == [
        "  a 3x3 kernel with dilation 2x3 covers 5x7 values",
        "  receptive field 5x7 input pixels, jump 1x1",
    ]
    assert "dilation" not in plain.explain()


class Unknown(Layer):
    def output_shape(self, x_shape):
        return x_shape


class Louder(ReLU):
    pass


def test_unregistered_cost_raises():
    text = (
        r"^node 'Unknown': Unknown has no registered cost\. Add one with @mg\.counting\.register\(Unknown\)\. "
        r"An unknown cost is never counted as zero\.$"
    )
    with pytest.raises(ValueError, match=text):
        mg.count(Unknown(), (3, 4, 4))


def test_subclass_is_counted_as_its_base_class():
    counted = mg.count(Louder(), (3, 4, 4))
    assert counted.rows[0].kind == "ReLU"
    assert counted.compares == 48
    assert counted.as_convention("ptflops") == 48


def test_single_layer_needs_its_shape():
    with pytest.raises(TypeError, match="needs its input shape"):
        mg.count(ReLU())


def test_csv_holds_a_line_per_row(whole, tmp_path):
    whole.to_csv(tmp_path / "counts.csv")
    lines = list(csv.DictReader((tmp_path / "counts.csv").read_text(encoding="utf-8").splitlines()))
    assert [line["name"] for line in lines] == [row.name for row in whole.rows]
    assert sum(int(line["macs"]) for line in lines) == whole.macs
    assert lines[0]["output_shape"] == "64x112x112"
    concat = next(line for line in lines if line["kind"] == "Concat")
    assert concat["input_shapes"] == "64x28x28 128x28x28 32x28x28 32x28x28"


def test_json_holds_totals_and_rows(whole, tmp_path):
    whole.to_json(tmp_path / "counts.json")
    read = json.loads((tmp_path / "counts.json").read_text(encoding="utf-8"))
    assert read["totals"]["params"] == whole.params == sum(row["params"] for row in read["rows"])


def test_text_is_a_table_in_ascii(whole):
    text = str(whole)
    assert text.isascii()
    assert re.search(r"inception_3a .* 163,696 .* 128,049,152", text)
    assert "13,378,280 parameters, 1,591,044,096 MAC" in text
    assert re.search(r"inception_3a/3x3 .* Conv2d .* 86,704,128", str(whole.table("layer", wide=True)))


def test_html_folds_by_module_and_holds_no_script(whole):
    page = whole._repr_html_()
    assert page.count("<details>") == len(whole.modules()) == 19
    assert "346,816,512" in page
    assert "<script" not in page


def test_diff_names_what_was_added_removed_and_changed(whole, main):
    table = main.diff(whole)
    assert table.title == "16 of 158 nodes differ"
    assert table.total == ("total", "", "+6,379,728", "+8,372,224")
    assert whole.diff(whole).rows == []
