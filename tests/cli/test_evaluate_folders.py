"""`minigooglenet evaluate` on folders: its warning about images that the network was trained on."""

import json
import shutil
import unicodedata

import numpy as np
import pytest
from PIL import Image

from minigooglenet import cli, data, models, weights
from minigooglenet.cli import evaluate
from minigooglenet.data import seen


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    monkeypatch.setitem(cli.COMMANDS, "evaluate", evaluate)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Return a folder of two classes with 30 noise images each."""
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("images")
    for name, level in (("bright", 150), ("dark", 0)):
        (folder / name).mkdir()
        for number in range(30):
            Image.fromarray(rng.integers(level, level + 100, (24, 20, 3), np.uint8)).save(
                folder / name / f"{number}.png"
            )
    return folder


def _weights(path, record, seed=0, **options):
    g = models.mini_googlenet(2, size=16, width=0.25, rng=seed)
    weights.save(g, path, pixels=data.Pixels(), classes=("bright", "dark"), training_images=record, **options)
    return str(path)


def _evaluate(folder, files, out, *more):
    assert cli.main(["evaluate", "--data", str(folder), "--weights", *files, "--json", str(out), *more]) == 0
    return json.loads(out.read_text(encoding="utf-8"))["training_overlap"]


def test_held_out_images_of_the_training_folder_do_not_warn(capsys, images, tmp_path):
    file = _weights(tmp_path / "a.safetensors", data.load(images, 16).train.seen())
    held_out = len(data.load(images, 16).test)
    assert _evaluate(images, [file], tmp_path / "n.json") == {"count": 0, "of": held_out, "exact": True}
    assert "WARNING" not in capsys.readouterr().out


def test_training_images_in_the_test_set_are_counted(capsys, images, tmp_path):
    train = data.load(images, 16).train
    file = _weights(tmp_path / "a.safetensors", train.seen())
    shutil.copytree(images, tmp_path / "moved" / "train")
    (tmp_path / "moved" / "val").mkdir()
    for name in ("bright", "dark"):
        (tmp_path / "moved" / "train" / name).rename(tmp_path / "moved" / "val" / name)
        (tmp_path / "moved" / "train" / name).mkdir()
        Image.new("RGB", (9, 9)).save(tmp_path / "moved" / "train" / name / "1.png")
    overlap = _evaluate(tmp_path / "moved", [file], tmp_path / "n.json")
    assert overlap == {"count": len(train), "of": 60, "exact": True}
    out = capsys.readouterr().out
    assert f"WARNING: {len(train)} of the 60 test images were training images of these weights" in out
    limited = _evaluate(tmp_path / "moved", [file], tmp_path / "n.json", "--limit", "10")
    assert limited["of"] == 10
    assert 0 < limited["count"] <= 10


def test_equal_file_names_in_train_and_val_do_not_warn(capsys, images, tmp_path):
    rng = np.random.default_rng(5)
    for name in ("bright", "dark"):
        (tmp_path / "set" / "val" / name).mkdir(parents=True)
        for number in range(5):
            pixels = rng.integers(0, 255, (24, 20, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "set" / "val" / name / f"{number}.png")
    shutil.copytree(images, tmp_path / "set" / "train")
    file = _weights(tmp_path / "a.safetensors", data.load(tmp_path / "set", 16).train.seen())
    assert _evaluate(tmp_path / "set", [file], tmp_path / "n.json")["count"] == 0


def test_ensemble_counts_training_images_of_any_model(images, tmp_path):
    train, test = data.load(images, 16)
    files = [
        _weights(tmp_path / "a.safetensors", seen.record(images, test.files[:2])),
        _weights(tmp_path / "b.safetensors", seen.record(images, test.files[1:3]), seed=1),
        _weights(tmp_path / "c.safetensors", None, seed=2),
    ]
    assert _evaluate(images, files, tmp_path / "n.json")["count"] == 3
    assert _evaluate(images, files[2:], tmp_path / "n.json") is None
    assert len(train) > 3


def test_overlap_of_a_sample_is_called_an_estimate(capsys, images, tmp_path, monkeypatch):
    monkeypatch.setattr(seen, "MOST", 8)
    file = _weights(tmp_path / "a.safetensors", data.load(images, 16).train.seen())
    for part in ("train", "val"):
        shutil.copytree(images, tmp_path / "set" / part)
    overlap = _evaluate(tmp_path / "set", [file], tmp_path / "n.json")
    assert not overlap["exact"]
    assert 0 < overlap["count"] <= overlap["of"] == 60
    assert f"WARNING: about {overlap['count']} of the 60 test images" in capsys.readouterr().out


def test_torchvision_weights_use_its_resizing_rule(images, tmp_path, monkeypatch):
    calls = []
    real = evaluate.evaluate
    monkeypatch.setattr(
        evaluate, "evaluate", lambda graphs, dataset, *args, **options: calls.append((options["rule"], dataset.shrink))
        or real(graphs, dataset, *args, **options)
    )  # fmt: skip
    default = _weights(tmp_path / "a.safetensors", None)
    torchvision = _weights(tmp_path / "b.safetensors", None, notes={"from": "torchvision"})
    for file in (default, torchvision):
        _evaluate(images, [file], tmp_path / "n.json")
    assert calls == [("box", True), ("torchvision", False)]


def test_models_with_two_resizing_rules_are_rejected(capsys, images, tmp_path):
    files = [
        _weights(tmp_path / "a.safetensors", None),
        _weights(tmp_path / "b.safetensors", None, notes={"from": "torchvision"}),
    ]
    assert cli.main(["evaluate", "--data", str(images), "--weights", *files]) == 1
    assert "averaged models need the same resizing rule: " in capsys.readouterr().err


def test_unused_folders_are_reported_once(capsys, images, tmp_path):
    shutil.copytree(images, tmp_path / "set" / "train")
    (tmp_path / "set" / "eval").mkdir()
    _evaluate(tmp_path / "set", [_weights(tmp_path / "a.safetensors", None)], tmp_path / "n.json")
    captured = capsys.readouterr()
    assert captured.out.count("eval has no class folders, so it is not used") == 1
    assert captured.err == ""


def test_held_out_option_selects_the_folder(images, tmp_path):
    for part in ("train", "val", "test"):
        shutil.copytree(images, tmp_path / "set" / part)
    (tmp_path / "set" / "test" / "dark" / "0.png").unlink()
    file, out = _weights(tmp_path / "a.safetensors", seen.record(images, [])), tmp_path / "n.json"
    assert _evaluate(tmp_path / "set", [file], out)["of"] == 60
    assert _evaluate(tmp_path / "set", [file], out, "--held-out", "test")["of"] == 59


def test_class_names_of_both_unicode_forms_match(tmp_path):
    names = [unicodedata.normalize(form, "caf\u00e9") for form in ("NFC", "NFD")]
    rng = np.random.default_rng(0)
    for name in (names[0], "tea"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(15):
            Image.fromarray(rng.integers(0, 99, (20, 20, 3), np.uint8)).save(tmp_path / "set" / name / f"{number}.png")
    g = models.mini_googlenet(2, size=16, width=0.25, rng=0)
    weights.save(g, tmp_path / "a.safetensors", pixels=data.Pixels(), classes=(names[1], "tea"))
    _evaluate(tmp_path / "set", [str(tmp_path / "a.safetensors")], tmp_path / "n.json")
