"""`minigooglenet evaluate`: from weights files to the table, the figures and all predictions."""

import csv
import json

import numpy as np
import pytest

from minigooglenet import cli, data, models, training, weights
from minigooglenet.cli import evaluate

CLASSES = ("dark", "grey", "light")


class _Bad(data.Images):
    """Images whose third image cannot be read."""

    def image(self, index):
        if index == 2:
            raise data.BadImageError("it is truncated")
        return super().image(index)


def _tones(count, seed, kind=data.Images):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, count)
    images = rng.integers(0, 60, (count, 1, 16, 16), np.uint8) + (90 * labels).astype(np.uint8)[:, None, None, None]
    return kind(images, labels, CLASSES, data.GREY_UNIT)


@pytest.fixture(autouse=True)
def _tones_only(monkeypatch):
    """Register the command, and return the tones for every data set name."""
    monkeypatch.setitem(cli.COMMANDS, "evaluate", evaluate)
    monkeypatch.setattr(data, "load", lambda name, size: data.Split(None, _tones(30, 1, _Bad)))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return the weights files of three small networks that differ only in order and initialisation."""
    folder, train = tmp_path_factory.mktemp("weights"), _tones(60, 0)
    x = data.GREY_UNIT.to_input(train.images)
    paths = []
    for seed in range(3):
        g = models.mini_googlenet(3, in_channels=1, size=16, width=0.25, rng=seed)
        training.train(g, x, train.labels, epochs=4, batch_size=8, rng=seed)
        paths.append(str(folder / f"tones{seed}.safetensors"))
        weights.save(g, paths[-1], pixels=data.GREY_UNIT, classes=CLASSES)
    return paths


def test_one_model_prints_accuracy_per_class(capsys, files):
    assert cli.main(["evaluate", "--data", "tones", "--weights", files[0]]) == 0
    out = capsys.readouterr().out
    assert "1 model, whole images: 100.00% accuracy on 29 images" in out
    assert "Accuracy by class" in out
    assert "Table 3" not in out
    assert "skipped: image 2: it is truncated" in out
    assert "Classified 30 crops in" in out


def test_default_is_one_crop_for_resized_images(capsys, files, monkeypatch):
    class Fitted(data.Images):
        def fitted(self, image):
            return image[:, :16, :16]

    monkeypatch.setattr(data, "load", lambda name, size: data.Split(None, _tones(30, 1, Fitted)))
    assert cli.main(["evaluate", "--data", "tones", "--weights", files[0]]) == 0
    assert "1 model, 1 crop: " in capsys.readouterr().out


def test_models_and_crops_make_a_table_and_files(capsys, files, tmp_path):
    out, numbers = tmp_path / "new" / "results", tmp_path / "numbers.json"
    options = ["--crops", "1", "10", "144", "--models", "1", "3", "--out", str(out), "--json", str(numbers)]
    assert cli.main(["evaluate", "--data", "tones", "--weights", *files, *options]) == 0
    printed = capsys.readouterr().out
    assert "As the paper's Table 3: 29 images of 3 classes" in printed
    assert "3 models, 144 crops" in printed
    saved = json.loads(numbers.read_text(encoding="utf-8"))
    assert [(row["models"], row["crops"], row["cost"]) for row in saved["table3"]["rows"]] == [
        (1, 1, 1),
        (1, 10, 10),
        (1, 144, 144),
        (3, 1, 3),
        (3, 10, 30),
        (3, 144, 432),
    ]
    assert np.trace(saved["confusion"]) == round(saved["accuracy"] * saved["pictures"])
    assert saved["skipped"] == {"image 2": "it is truncated"}
    with (out / "predictions.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 29
    assert sum(line["right"] == "True" for line in lines) == np.trace(saved["confusion"])
    assert {path.name for path in out.iterdir()} >= {"table3.png", "table3.txt", "crops.png", "calibration.png"}
    for path in out.iterdir():
        assert str(path) in printed


def test_limit_takes_the_same_sample_each_time(files, tmp_path):
    arguments = ["evaluate", "--data", "tones", "--weights", files[0], "--limit", "12"]
    for name in ("a", "b"):
        assert cli.main([*arguments, "--out", str(tmp_path / name)]) == 0
    texts = [(tmp_path / name / "predictions.csv").read_text(encoding="utf-8") for name in ("a", "b")]
    assert texts[0] == texts[1]
    indices = [int(line.split(",")[0].split()[1]) for line in texts[0].splitlines()[1:]]
    assert indices == sorted(indices)
    assert len(indices) in (11, 12)
    assert max(indices) > 12


def test_mismatched_weights_are_rejected_with_the_difference(capsys, files, tmp_path):
    def saved(name, classes, pixels=data.GREY_UNIT, **arguments):
        g = models.mini_googlenet(len(classes), size=16, width=0.25, rng=0, in_channels=pixels.channels, **arguments)
        weights.save(g, tmp_path / f"{name}.safetensors", pixels=pixels, classes=classes)
        return str(tmp_path / f"{name}.safetensors")

    cases = [
        ([saved("four", ("a", "b", "c", "d"))], "has 4 classes, but the data set has 3"),
        ([saved("other", ("light", "grey", "dark"))], "class 0 is 'light' in"),
        ([saved("colour", CLASSES, data.UNIT)], "expects 3 channels, but the images have 1"),
        (
            [files[0], saved("scale", CLASSES, data.Pixels((0,), (255,), "L"))],
            "averaged models need the same pixels: ",
        ),
        ([files[0], "--models", "3"], "--models 3 needs 3 models, but --weights has 1"),
        ([files[0], "--json", str(tmp_path / "no" / "a.json")], "does not exist"),
        ([str(tmp_path / "missing.safetensors")], "missing.safetensors"),
    ]
    for arguments, message in cases:
        assert cli.main(["evaluate", "--data", "tones", "--weights", *arguments]) == 1
        captured = capsys.readouterr()
        assert message in captured.err
        assert len(captured.err.splitlines()) == 1
        assert captured.out == ""


def test_unsupported_crop_counts_are_rejected(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["evaluate", "--data", "tones", "--weights", "a", "--crops", "12"])
    assert stop.value.code == 2
    assert "12" in capsys.readouterr().err
