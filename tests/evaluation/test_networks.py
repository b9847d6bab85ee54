"""Evaluation of networks: one pass over the data, bad images are skipped, and predictions stay with their images."""

import numpy as np
import pytest

import minigooglenet as mg
from minigooglenet import data, evaluation
from minigooglenet.evaluation import evaluate, probabilities, proportion_interval, report, table3


class _Folder(data.Dataset):
    """Images of different sizes, some of them unreadable."""

    classes, pixels, shape = ("dark", "light"), data.UNIT, (3, 8, 8)

    def __init__(self, count=9, bad=()):
        self.labels, self.bad = np.arange(count) % 2, bad

    def name(self, index):
        return f"{self.classes[self.labels[index]]}/{index}.png"

    def image(self, index):
        if index in self.bad:
            raise data.BadImageError("it is truncated")
        return np.full((3, 10 + index, 12), 40 + 170 * self.labels[index], np.uint8)


def _net(gain=1.0):
    """Return a network that classifies dark and light images."""
    g = mg.Graph(image=(3, 8, 8))
    g.add("logits", mg.layers.Linear(3, 2), g.add("mean", mg.layers.GlobalAvgPool2d(), "image"))
    g.params["logits/weight"] = np.array([[-gain] * 3, [gain] * 3], np.float32)
    g.params["logits/bias"] = np.zeros(2, np.float32)
    return g


def test_answers_stay_aligned_when_bad_images_are_skipped():
    result = evaluate([_net(), _net(2)], _Folder(bad=(0, 4)), crops=(10, 1))
    assert result.indices.tolist() == [1, 2, 3, 5, 6, 7, 8]
    assert result.labels.tolist() == [1, 0, 1, 1, 0, 1, 0]
    assert result.skipped == {"dark/0.png": "it is truncated", "dark/4.png": "it is truncated"}
    assert (result.answers.shape, result.counts) == ((7, 2, 2, 2), (1, 10))
    assert np.array_equal(result.probabilities().argmax(axis=1), result.labels)


def test_evaluation_matches_probabilities_for_every_setting():
    dataset, nets = _Folder(), [_net(0.1), _net(0.3), _net(0.7)]
    result = evaluate(nets, dataset, crops=(1, 10))
    images = [dataset.image(index) for index in range(len(dataset))]
    for models in (1, 2, 3):
        for crops in (1, 10):
            expected = probabilities(nets[:models], images, dataset.pixels, crops)
            assert result.probabilities(models, crops) == pytest.approx(expected, abs=1e-6)


def test_evaluate_uses_only_the_given_indices():
    result = evaluate([_net()], _Folder(), indices=[7, 2])
    assert (result.indices.tolist(), result.labels.tolist()) == ([7, 2], [1, 0])


def test_pixels_argument_overrides_the_data_set():
    dark = data.Pixels((255,) * 3, (1,) * 3)  # below zero for every image
    result = evaluate([_net()], _Folder(), pixels=dark)
    assert result.probabilities().argmax(axis=1).tolist() == [0] * 9


def test_evaluation_rejects_settings_that_were_not_evaluated():
    result = evaluate([_net()], _Folder())
    with pytest.raises(ValueError, match="crops must be one of 1, as evaluated, got 144"):
        result.probabilities(crops=144)
    with pytest.raises(ValueError, match=r"models must be in 1 \.\. 1, got 0"):
        result.probabilities(models=0)


def test_evaluate_rejects_data_without_usable_images():
    with pytest.raises(ValueError, match="no image could be used: 2 of 2 were rejected"):
        evaluate([_net()], _Folder(2, bad=(0, 1)))


def _report(count=9, bad=()):
    dataset = _Folder(count, bad)
    result = evaluate([_net()], dataset, crops=(1, 10))
    matrix = evaluation.confusion(result.labels, result.probabilities().argmax(axis=1), 2)
    return dataset, result, table3(result), matrix


def test_summary_describes_the_last_setting():
    dataset, result, comparison, matrix = _report(bad=(0,))
    matrix[1, 0] += 1
    numbers = report.summary(result, comparison, matrix, dataset.classes)
    assert (numbers["models"], numbers["crops"], numbers["pictures"]) == (1, 10, 8)
    assert (numbers["accuracy"], numbers["k"], numbers["accuracy_interval"]) == (1, 1, proportion_interval(8, 8))
    assert numbers["skipped"] == {"dark/0.png": "it is truncated"}
    assert report.sentence(numbers).startswith(
        "1 model, 10 crops: 100.00% accuracy on 8 images (95% interval 63.06% to 100.00%)"
    )


def test_class_table_shows_accuracy_and_commonest_mistake():
    table = report.class_table([[8, 2, 0], [0, 0, 0], [1, 2, 7]], ("cat", "dog", "owl"))
    assert table.rows == [
        ("cat", 10, 8, 80, "dog (2)"),
        ("dog", 0, 0, None, ""),
        ("owl", 10, 7, 70, "dog (2)"),
    ]


def test_class_table_lists_the_least_accurate_classes():
    matrix = np.diag(np.full(60, 10))
    matrix[33, 33:35] = 4, 6
    matrix[50] = 0
    table = report.class_table(matrix, [f"c{i}" for i in range(60)])
    assert len(table.rows) == 20
    assert table.rows[0] == ("c33", 10, 4, 40, "c34 (6)")
    assert "20 of 60" in table.title


def test_report_writes_every_file(tmp_path):
    dataset, result, comparison, matrix = _report(bad=(0,))
    written = report.save(tmp_path, dataset, 8, result, comparison, matrix)
    figures = ("calibration", "confusion_matrix", "crops", "table3")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["predictions.csv", "table3.csv", *(f"{name}.{end}" for name in figures for end in ("png", "txt"))]
    )
    assert sorted(written) == sorted(tmp_path.iterdir())
    lines = (tmp_path / "predictions.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "picture,class,taken_for,probability,right"
    assert lines[1].startswith("light/1.png,light,light,")
    assert len(lines) == 9
