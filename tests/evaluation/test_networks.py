"""A data set is asked once, bad images are left out, and every answer stays with its image."""

import numpy as np
import pytest

import minigooglenet as mg
from minigooglenet import data, evaluation
from minigooglenet.evaluation import evaluate, probabilities, proportion_interval, report, table3


class _Folder(data.Dataset):
    """Images of different sizes, some of which cannot be read."""

    classes, pixels, shape = ("dark", "light"), data.UNIT, (3, 8, 8)

    def __init__(self, count=9, bad=()):
        self.labels, self.bad = np.arange(count) % 2, bad

    def name(self, index):
        return f"{self.classes[self.labels[index]]}/{index}.png"

    def image(self, index):
        if index in self.bad:
            raise data.BadImageError("it is cut off")
        return np.full((3, 10 + index, 12), 40 + 170 * self.labels[index], np.uint8)


def _net(gain=1.0):
    """Return a network that tells light images from dark ones."""
    g = mg.Graph(image=(3, 8, 8))
    g.add("scores", mg.layers.Linear(3, 2), g.add("mean", mg.layers.GlobalAvgPool2d(), "image"))
    g.params["scores/weight"] = np.array([[-gain] * 3, [gain] * 3], np.float32)
    g.params["scores/bias"] = np.zeros(2, np.float32)
    return g


def test_answers_stay_with_their_images_when_bad_ones_are_left_out():
    found = evaluate([_net(), _net(2)], _Folder(bad=(0, 4)), crops=(10, 1))
    assert found.indices.tolist() == [1, 2, 3, 5, 6, 7, 8]
    assert found.labels.tolist() == [1, 0, 1, 1, 0, 1, 0]
    assert found.skipped == {"dark/0.png": "it is cut off", "dark/4.png": "it is cut off"}
    assert (found.answers.shape, found.counts) == ((7, 2, 2, 2), (1, 10))
    assert np.array_equal(found.probabilities().argmax(axis=1), found.labels)


def test_a_setting_is_what_probabilities_say_of_it():
    dataset, nets = _Folder(), [_net(0.1), _net(0.3), _net(0.7)]
    found = evaluate(nets, dataset, crops=(1, 10))
    images = [dataset.image(index) for index in range(len(dataset))]
    for models in (1, 2, 3):
        for crops in (1, 10):
            alone = probabilities(nets[:models], images, dataset.pixels, crops)
            assert found.probabilities(models, crops) == pytest.approx(alone, abs=1e-6)


def test_only_the_images_that_were_named_are_asked():
    found = evaluate([_net()], _Folder(), indices=[7, 2])
    assert (found.indices.tolist(), found.labels.tolist()) == ([7, 2], [1, 0])


def test_the_weights_own_pixels_come_before_those_of_the_data_set():
    dark = data.Pixels((255,) * 3, (1,) * 3)  # below zero for every image
    found = evaluate([_net()], _Folder(), pixels=dark)
    assert found.probabilities().argmax(axis=1).tolist() == [0] * 9


def test_what_was_not_asked_cannot_be_told():
    found = evaluate([_net()], _Folder())
    with pytest.raises(ValueError, match="144 crops were not asked for, only 1"):
        found.probabilities(crops=144)
    with pytest.raises(ValueError, match=r"models must lie in 1 \.\. 1, got 0"):
        found.probabilities(models=0)


def test_a_set_of_bad_images_only_is_said_to_be_one():
    with pytest.raises(ValueError, match="no image could be used: of 2, 2 were bad"):
        evaluate([_net()], _Folder(2, bad=(0, 1)))


def _report(count=9, bad=()):
    dataset = _Folder(count, bad)
    found = evaluate([_net()], dataset, crops=(1, 10))
    matrix = evaluation.confusion(found.labels, found.probabilities().argmax(axis=1), 2)
    return dataset, found, table3(found), matrix


def test_the_summary_is_about_the_last_setting():
    dataset, found, comparison, matrix = _report(bad=(0,))
    matrix[1, 0] += 1
    numbers = report.summary(found, comparison, matrix, dataset.classes)
    assert (numbers["models"], numbers["crops"], numbers["pictures"]) == (1, 10, 8)
    assert (numbers["accuracy"], numbers["k"], numbers["accuracy_interval"]) == (1, 1, proportion_interval(8, 8))
    assert numbers["skipped"] == {"dark/0.png": "it is cut off"}
    assert report.sentence(numbers).startswith(
        "1 model, 10 crops: 100.00% of 8 images right (95% interval 63.06% to 100.00%)"
    )


def test_each_class_has_its_share_and_its_commonest_mistake():
    table = report.class_table([[8, 2, 0], [0, 0, 0], [1, 2, 7]], ("cat", "dog", "owl"))
    assert table.rows == [
        ("cat", 10, 8, 80, "dog (2)"),
        ("dog", 0, 0, None, ""),
        ("owl", 10, 7, 70, "dog (2)"),
    ]


def test_of_many_classes_those_with_the_most_mistakes_are_listed():
    matrix = np.diag(np.full(60, 10))
    matrix[33, 33:35] = 4, 6
    matrix[50] = 0
    table = report.class_table(matrix, [f"c{i}" for i in range(60)])
    assert len(table.rows) == 20
    assert table.rows[0] == ("c33", 10, 4, 40, "c34 (6)")
    assert "20 of 60" in table.title


def test_a_report_is_written_whole(tmp_path):
    dataset, found, comparison, matrix = _report(bad=(0,))
    written = report.save(tmp_path, dataset, 8, found, comparison, matrix)
    figures = ("calibration", "confusion_matrix", "crops", "table3")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["predictions.csv", "table3.csv", *(f"{name}.{end}" for name in figures for end in ("png", "txt"))]
    )
    assert sorted(written) == sorted(tmp_path.iterdir())
    lines = (tmp_path / "predictions.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "image,class,taken_for,probability,right"
    assert lines[1].startswith("light/1.png,light,light,")
    assert len(lines) == 9
