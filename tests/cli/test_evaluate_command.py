"""`minigooglenet evaluate`: from files of weights to the table, the figures and every prediction."""

import csv
import json

import numpy as np
import pytest

from minigooglenet import cli, data, models, training, weights
from minigooglenet.cli import evaluate

CLASSES = ("dark", "grey", "light")


class _Bad(data.Images):
    """Images of which the third cannot be read."""

    def image(self, index):
        if index == 2:
            raise data.BadImageError("it is cut off")
        return super().image(index)


def _tones(count, seed, kind=data.Images):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, count)
    images = rng.integers(0, 60, (count, 1, 16, 16), np.uint8) + (90 * labels).astype(np.uint8)[:, None, None, None]
    return kind(images, labels, CLASSES, data.GREY_UNIT)


@pytest.fixture(autouse=True)
def _tones_only(monkeypatch):
    """Register the command, and let every name of a data set mean the tones."""
    monkeypatch.setitem(cli.COMMANDS, "evaluate", evaluate)
    monkeypatch.setattr(data, "load", lambda name, size: data.Split(None, _tones(30, 1, _Bad)))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return files of three small networks that differ in order and first weights only."""
    folder, train = tmp_path_factory.mktemp("weights"), _tones(60, 0)
    x = data.GREY_UNIT.to_input(train.images)
    paths = []
    for seed in range(3):
        g = models.mini_googlenet(3, in_channels=1, size=16, width=0.25, rng=seed)
        training.train(g, x, train.labels, epochs=4, batch_size=8, rng=seed)
        paths.append(str(folder / f"tones{seed}.safetensors"))
        weights.save(g, paths[-1], pixels=data.GREY_UNIT, classes=CLASSES)
    return paths


def test_one_file_prints_how_many_are_right_class_by_class(capsys, files):
    assert cli.main(["evaluate", "--data", "tones", "--weights", files[0]]) == 0
    out = capsys.readouterr().out
    assert "1 model, whole images: 100.00% accuracy on 29 images" in out
    assert "Accuracy by class" in out
    assert "Table 3" not in out
    assert "left out: image 2: it is cut off" in out
    assert "30 crops through a network" in out


def test_the_usual_crop_is_the_whole_image_where_all_have_the_networks_size(capsys, files, monkeypatch):
    class Fitted(data.Images):
        def fitted(self, image):
            return image[:, :16, :16]

    monkeypatch.setattr(data, "load", lambda name, size: data.Split(None, _tones(30, 1, Fitted)))
    assert cli.main(["evaluate", "--data", "tones", "--weights", files[0]]) == 0
    assert "1 model, 1 crop: " in capsys.readouterr().out


def test_models_by_crops_make_a_table_and_a_folder_of_results(capsys, files, tmp_path):
    out, numbers = tmp_path / "new" / "results", tmp_path / "numbers.json"
    given = ["--crops", "1", "10", "144", "--models", "1", "3", "--out", str(out), "--json", str(numbers)]
    assert cli.main(["evaluate", "--data", "tones", "--weights", *files, *given]) == 0
    printed = capsys.readouterr().out
    assert "As the paper's Table 3: 29 images of 3 classes" in printed
    assert "3 models, 144 crops" in printed
    kept = json.loads(numbers.read_text(encoding="utf-8"))
    assert [(row["models"], row["crops"], row["cost"]) for row in kept["table3"]["rows"]] == [
        (1, 1, 1),
        (1, 10, 10),
        (1, 144, 144),
        (3, 1, 3),
        (3, 10, 30),
        (3, 144, 432),
    ]
    assert np.trace(kept["confusion"]) == round(kept["accuracy"] * kept["pictures"])
    assert kept["skipped"] == {"image 2": "it is cut off"}
    with (out / "predictions.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 29
    assert sum(line["right"] == "True" for line in lines) == np.trace(kept["confusion"])
    assert {path.name for path in out.iterdir()} >= {"table3.png", "table3.txt", "crops.png", "calibration.png"}
    for path in out.iterdir():
        assert str(path) in printed


def test_a_limit_takes_the_same_images_each_time_and_not_only_the_first(files, tmp_path):
    given = ["evaluate", "--data", "tones", "--weights", files[0], "--limit", "12"]
    for name in ("a", "b"):
        assert cli.main([*given, "--out", str(tmp_path / name)]) == 0
    texts = [(tmp_path / name / "predictions.csv").read_text(encoding="utf-8") for name in ("a", "b")]
    assert texts[0] == texts[1]
    numbers = [int(line.split(",")[0].split()[1]) for line in texts[0].splitlines()[1:]]
    assert numbers == sorted(numbers)
    assert len(numbers) in (11, 12)
    assert max(numbers) > 12


def test_weights_for_something_else_are_refused_with_what_differs(capsys, files, tmp_path):
    def saved(name, classes, pixels=data.GREY_UNIT, **arguments):
        g = models.mini_googlenet(len(classes), size=16, width=0.25, rng=0, in_channels=pixels.channels, **arguments)
        weights.save(g, tmp_path / f"{name}.safetensors", pixels=pixels, classes=classes)
        return str(tmp_path / f"{name}.safetensors")

    cases = [
        ([saved("four", ("a", "b", "c", "d"))], "tells 4 classes apart, the data set has 3"),
        ([saved("other", ("light", "grey", "dark"))], "class 0 is 'light' in"),
        ([saved("colour", CLASSES, data.UNIT)], "takes 3 channels, the images have 1"),
        (
            [files[0], saved("scale", CLASSES, data.Pixels((0,), (255,), "L"))],
            "models that are averaged need the same pixels",
        ),
        ([files[0], "--models", "3"], "--models 3: there are 1 files of weights"),
        ([files[0], "--json", str(tmp_path / "no" / "a.json")], "there is no folder"),
        ([str(tmp_path / "missing.safetensors")], "missing.safetensors"),
    ]
    for given, message in cases:
        assert cli.main(["evaluate", "--data", "tones", "--weights", *given]) == 1
        captured = capsys.readouterr()
        assert message in captured.err
        assert len(captured.err.splitlines()) == 1
        assert captured.out == ""


def test_other_numbers_of_crops_are_a_wrong_call(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["evaluate", "--data", "tones", "--weights", "a", "--crops", "12"])
    assert stop.value.code == 2
    assert "12" in capsys.readouterr().err
