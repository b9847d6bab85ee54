"""Table 3: its errors are the usual ones, its intervals are paired, and noise is rarely significant."""

import csv
import json

import numpy as np
import pytest

from minigooglenet.evaluation import Evaluation, paired_interval, table3, top_k_error


def _evaluation(images=300, models=7, classes=10, gain=2.0, noise=2.0, seed=0):
    """Return predictions whose right class has a logit higher by `gain`, with noise per model and crop count."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, images)
    logits = rng.normal(0, 1, (images, 1, 1, classes)) + noise * rng.normal(0, 1, (images, models, 3, classes))
    logits[np.arange(images), :, :, labels] += gain
    answers = np.exp(logits)
    return Evaluation(answers / answers.sum(axis=3, keepdims=True), (1, 10, 144), np.arange(images), labels)


def test_table3_has_one_row_per_setting_with_its_cost():
    table = table3(_evaluation())
    assert [(row.models, row.crops, row.cost) for row in table.rows] == [
        (1, 1, 1),
        (1, 10, 10),
        (1, 144, 144),
        (3, 1, 3),
        (3, 10, 30),
        (3, 144, 432),
        (7, 1, 7),
        (7, 10, 70),
        (7, 144, 1008),
    ]
    assert [change.k for change in table.rows[0].changes] == [1, 5]


def test_table3_error_matches_the_mean_of_the_first_models():
    result = _evaluation()
    for row in table3(result).rows:
        mean = result.answers[:, : row.models, (1, 10, 144).index(row.crops)].mean(axis=1)
        for change in row.changes:
            assert change.error == top_k_error(mean, result.labels, change.k)


def test_table3_difference_has_the_paired_interval():
    result = _evaluation()
    rows = table3(result).rows
    base, last = (result.answers[:, :n, i].mean(axis=1).argmax(axis=1) != result.labels for n, i in ((1, 0), (7, 2)))
    change = rows[-1].changes[0]
    assert change.difference == pytest.approx(last.mean() - base.mean())
    assert (change.low, change.high) == paired_interval(last, base)
    assert change.significant
    assert change.high < 0


def test_base_row_has_no_difference():
    for change in table3(_evaluation()).rows[0].changes:
        assert (change.difference, change.low, change.high, change.significant) == (0, 0, 0, False)


@pytest.mark.parametrize("images", [20, 200])
def test_settings_without_effect_are_rarely_significant(images):
    # Independent predictions of equal quality: one interval of twenty excludes 0 by chance.
    marked = []
    for seed in range(150):
        result = _evaluation(images, 1, 4, gain=1.5, noise=2.0, seed=seed)
        marked += [row.changes[0].significant for row in table3(result).rows[1:]]
    assert 0.01 < np.mean(marked) < 0.1


@pytest.mark.parametrize(
    ("classes", "ks"), [(2, [1]), (3, [1]), (4, [1, 2]), (9, [1, 4]), (10, [1, 5]), (1000, [1, 5])]
)
def test_second_k_is_at_most_half_of_the_classes(classes, ks):
    table = table3(_evaluation(20, 1, classes))
    assert [change.k for change in table.rows[0].changes] == ks
    assert (f"because the data set has only {classes} classes" in str(table.table())) == (ks[-1] != 5)


def test_table3_models_are_limited_to_the_available_ones():
    assert sorted({row.models for row in table3(_evaluation(models=4)).rows}) == [1, 3, 4]
    assert sorted({row.models for row in table3(_evaluation(models=4), models=[4, 2]).rows}) == [2, 4]
    with pytest.raises(ValueError, match=r"models must be in 1 \.\. 4, got 7"):
        table3(_evaluation(models=4), models=[7])


def test_printed_table_marks_significant_differences():
    table = table3(_evaluation())
    lines = str(table.table()).splitlines()
    rows = [line for line in lines if line.count("|") > 2][1:]
    marks = ["*" in line.split("|")[5] for line in rows if "---" not in line]
    assert marks == [row.changes[0].significant for row in table.rows]
    assert any(marks)
    assert max(map(len, lines)) <= 120
    assert f"{100 * table.rows[0].changes[0].error:.2f}" in lines[4]


def test_csv_and_json_contain_the_same_numbers(tmp_path):
    table = table3(_evaluation())
    table.to_csv(tmp_path / "t.csv")
    table.to_json(tmp_path / "t.json")
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    kept = json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))
    assert len(lines) == 18
    pairs = [(row, change) for row in table.rows for change in row.changes]
    for line, (row, change) in zip(lines, pairs, strict=True):
        assert (int(line["models"]), int(line["crops"]), int(line["k"])) == (row.models, row.crops, change.k)
        assert float(line["error"]) == change.error
        assert line["more_than_chance"] == str(change.significant)
    assert kept["rows"][8]["changes"][0]["low"] == table.rows[8].changes[0].low
    assert (kept["pictures"], kept["classes"]) == (300, 10)


def test_old_name_of_significant_works_with_a_warning():
    change = table3(_evaluation()).rows[-1].changes[0]
    with pytest.warns(DeprecationWarning, match=r"\.told_apart is now \w+\.significant"):
        assert change.told_apart
