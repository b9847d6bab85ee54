"""`minigooglenet classify`: from image files to answers, with unreadable and unusual files."""

import json

import numpy as np
import pytest
from PIL import Image

from minigooglenet import cli, data, models, training, weights
from minigooglenet.cli import classify


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    monkeypatch.setitem(cli.COMMANDS, "classify", classify)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return the weights file of a small grey network that classifies images as light or dark."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 48)
    images = rng.integers(0, 60, (48, 1, 16, 16), np.uint8) + (180 * labels).astype(np.uint8)[:, None, None, None]
    g = models.mini_googlenet(2, in_channels=1, size=16, width=0.25, rng=0)
    training.train(g, data.GREY_UNIT.to_input(images), labels, epochs=4, batch_size=8, rng=0)
    path = tmp_path_factory.mktemp("weights") / "tones.safetensors"
    weights.save(g, path, pixels=data.GREY_UNIT, classes=("dark", "light"))
    return str(path)


@pytest.fixture
def images(tmp_path):
    """Return a folder with a light and a dark image of different sizes and modes, and a subfolder with a third."""
    Image.new("RGB", (40, 30), (20, 25, 30)).save(tmp_path / "a_dark.png")
    Image.new("L", (17, 50), 230).save(tmp_path / "b_light.jpg")
    (tmp_path / "more").mkdir()
    Image.new("RGBA", (16, 16), (240, 235, 230, 255)).save(tmp_path / "more" / "c_light.PNG")
    (tmp_path / "notes.txt").write_text("no image", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("crops", ["1", "10", "144"])
def test_classifying_a_folder_prints_bars(capsys, trained, images, crops):
    assert cli.main(["classify", str(images), "--weights", trained, "--crops", crops]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line]
    names = [line for line in lines if not line.startswith(" ")]
    assert [name.replace("\\", "/").rsplit("/")[-1] for name in names] == ["a_dark.png", "b_light.jpg", "c_light.PNG"]
    first = [lines[lines.index(name) + 1] for name in names]
    assert [line.split()[-1] for line in first] == ["dark", "light", "light"]
    for line in first:
        assert line.count("#") == round(20 * float(line.split("%")[0]) / 100)
    assert len(lines) == 9


def test_unreadable_images_are_reported_and_others_classified(capsys, trained, images):
    (images / "b_light.jpg").write_bytes((images / "b_light.jpg").read_bytes()[:150])
    paths = [str(images / name) for name in ("a_dark.png", "b_light.jpg", "missing.png", "more")]
    answers = images / "answers.json"
    assert cli.main(["classify", *paths, "--weights", trained, "--json", str(answers)]) == 1
    out = capsys.readouterr().out
    saved = json.loads(answers.read_text(encoding="utf-8"))
    assert [one["image"].rsplit("_")[-1] for one in saved][::3] == ["dark.png", "light.PNG"]
    assert ["top" in one for one in saved] == [True, False, False, True]
    for one in saved[1:3]:
        assert f"{one['image']} as an image: {one['error']}" in out
    assert f"written: {answers}" in out


def test_json_without_a_file_goes_to_standard_output(capsys, trained, images):
    (images / "broken.png").write_bytes(b"")
    assert cli.main(["classify", str(images), "--weights", trained, "--json"]) == 1
    captured = capsys.readouterr()
    answers = json.loads(captured.out)
    assert len(answers) == 4
    top = answers[0]["top"]
    assert [one["class"] for one in top] == ["dark", "light"]
    assert [one["number"] for one in top] == [0, 1]
    assert sum(one["probability"] for one in top) == pytest.approx(1)
    assert "cannot read" in captured.err


def test_labels_file_needs_one_name_per_class(capsys, trained, images):
    labels = images / "names.txt"
    labels.write_bytes("\ufeffnight sky\r\nsnow field\r\n\r\n".encode())
    arguments = ["classify", str(images / "a_dark.png"), "--weights", trained, "--labels", str(labels)]
    assert cli.main(arguments) == 0
    assert capsys.readouterr().out.splitlines()[1].endswith("  night sky")
    labels.write_text("one\ntwo\nthree\n", encoding="utf-8")
    assert cli.main(arguments) == 1
    assert "must have one class name per line for the 2 classes of the network, got 3" in capsys.readouterr().err


def test_classify_reports_assumed_pixels(capsys, images):
    g = models.mini_googlenet(7, size=16, width=0.25, rng=0)
    weights.save(g, images / "bare.safetensors")
    assert cli.main(["classify", str(images / "a_dark.png"), "--weights", str(images / "bare.safetensors")]) == 0
    out = capsys.readouterr().out
    assert "does not record how pixels become inputs. Using Pixels(mean=(123.0, 117.0, 104.0)" in out
    assert len([line for line in out.splitlines() if "  class " in line]) == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["more"], "contains no images"),
        (["a_dark.png", "--weights", "missing.safetensors"], "missing.safetensors"),
        (["a_dark.png", "--json", "no/such/a.json"], "does not exist"),
    ],
)
def test_classify_failure_prints_one_line_and_returns_1(capsys, monkeypatch, trained, images, arguments, message):
    (images / "more" / "c_light.PNG").unlink()
    monkeypatch.chdir(images)
    assert cli.main(["classify", "--weights", trained, *arguments]) == 1
    captured = capsys.readouterr()
    assert message in captured.err
    assert len(captured.err.splitlines()) == 1
    assert captured.out == ""


def test_classify_skips_hidden_files_and_reads_jfif(capsys, trained, tmp_path):
    Image.new("L", (20, 20), 230).save(tmp_path / "a.jfif", "JPEG")
    Image.new("L", (20, 20), 230).save(tmp_path / "b.JPE", "JPEG")
    (tmp_path / "._a.jpg").write_bytes(b"attributes of macOS")
    assert cli.main(["classify", str(tmp_path), "--weights", trained, "--json"]) == 0
    assert [answer["image"][-6:] for answer in json.loads(capsys.readouterr().out)] == ["a.jfif", "/b.JPE"[-6:]]


def test_torchvision_weights_use_its_centre_crop(capsys, tmp_path, monkeypatch):
    from minigooglenet.evaluation import crops, probabilities

    g = models.mini_googlenet(2, size=32, width=0.25, rng=0)
    path, rng = tmp_path / "theirs.safetensors", np.random.default_rng(0)
    weights.save(g, path, pixels=data.UNIT, classes=("a", "b"), notes={"from": "torchvision"})
    pixels = rng.integers(0, 256, (150, 233, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "large.png")
    assert cli.main(["classify", str(tmp_path / "large.png"), "--weights", str(path), "--json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)
    image = pixels.transpose(2, 0, 1)
    expected = probabilities([weights.load(path).graph], [image], data.UNIT, 1, rule="torchvision")[0]
    probability = {one["class"]: one["probability"] for one in answer["top"]}
    assert [probability["a"], probability["b"]] == pytest.approx(expected)
    assert not np.array_equal(crops(image, 32, 1), crops(image, 32, 1, rule="torchvision"))
