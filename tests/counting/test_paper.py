"""The paper's numbers and savings, computed from layers."""

import pytest

from minigooglenet.counting import comparisons, table1
from minigooglenet.models.googlenet import MODULES


def test_printed_operations_differ_in_two_rows():
    assert [line.name for line in table1.audit() if not line.ops_agree] == ["convolution 7x7/2", "inception (5a)"]


def test_printed_parameters_agree_in_four_rows():
    agree = [line.name for line in table1.audit() if line.params_agree]
    assert agree == ["convolution 3x3/1", "inception (3a)", "inception (3b)", "linear"]


def test_audited_rows_sum_to_the_whole_network():
    lines = table1.audit()
    assert sum(line.weights for line in lines) == 6_990_272
    assert sum(line.macs for line in lines) == 1_582_671_872
    assert sum(line.printed_params for line in lines) == pytest.approx(6797.7)
    assert sum(line.printed_ops for line in lines) == 1502


def test_separable_first_layer_matches_the_printed_row():
    weights, macs = table1.separable_stem()
    assert (weights, macs) == (2_712, 34_019_328)
    first = table1.audit()[0]
    assert table1.Line("separable", first.printed_params, first.printed_ops, 2_712, 0, macs).ops_agree
    assert round(weights / 1000, 1) == first.printed_params


def test_notes_under_the_audit_hold():
    text = str(table1.table())
    assert "1,498,677,248 MACs, the text's 1.5 billion" in text
    assert MODULES["5a"] == MODULES["4e"]
    assert "1,042,432 weights and 51,079,168 MACs" in text


def test_bottleneck_of_4a_saves_twenty_one_times():
    branch = comparisons.bottleneck()
    assert (branch.direct, branch.reduction, branch.convolution) == (112_896_000, 1_505_280, 3_763_200)
    assert branch.reduced == 5_268_480
    assert round(branch.ratio, 1) == 21.4


def test_nine_modules_without_reductions_cost_three_times_more():
    costs = comparisons.naive_modules()
    assert sum(naive for naive, _ in costs.values()) == 3_881_213_952
    assert sum(reduced for _, reduced in costs.values()) == 1_103_972_352
    assert costs["3b"] == (854_196_224, 304_267_264)


def test_stems_compare_as_computed_by_hand():
    ours, theirs = comparisons.stems()
    assert (ours.bytes, ours.params, ours.macs, ours.window_ops) == (7644 * 1024, 124_416, 477_675_520, 480_836_608)
    assert (theirs.params, theirs.macs, theirs.window_ops) == (1_735_488, 9_335_144_448, 9_340_764_160)
    assert theirs.bytes == 51.296875 * 2**20


def test_average_pooling_avoids_fifty_million_weights():
    assert comparisons.avoided_linear_weights() == 51_380_224
    assert comparisons.avoided_linear_weights(1000) == 50_176_000


def test_tables_print_in_ascii():
    for table in (table1.table(), comparisons.stem_table(), comparisons.bottleneck_table()):
        assert str(table).isascii()
        assert table._repr_html_().count("<tr>") == len(table.rows) + 1 + (table.total is not None)
