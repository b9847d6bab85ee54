"""The command line, from its arguments to its files."""

import contextlib
import csv
import io
import json
import os
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from minigooglenet import data, weights
from minigooglenet.cli import main


def test_count_prints_modules_and_writes_files(capsys, tmp_path):
    table, totals = tmp_path / "a.csv", tmp_path / "a.json"
    code = main(["count", "googlenet", "--csv", str(table), "--json", str(totals), "--convention", "torchinfo"])
    out = capsys.readouterr().out
    assert code == 0
    assert "13,378,280 parameters, 1,591,044,096 MAC" in out
    assert "mult-adds = 1,591,044,096 MAC + " in out
    assert json.loads(totals.read_text(encoding="utf-8"))["totals"]["params"] == 13_378_280
    assert len(list(csv.reader(table.read_text(encoding="utf-8").splitlines()))) == 159


def test_count_without_heads_and_by_layer(capsys):
    assert main(["count", "googlenet", "--no-heads", "--by", "layer"]) == 0
    out = capsys.readouterr().out
    assert "6,998,552 parameters" in out
    assert "inception_5b/pool_proj" in out
    assert "loss1" not in out


def test_count_explains_one_node(capsys):
    assert main(["count", "googlenet", "--explain", "conv2/3x3"]) == 0
    assert "64*192*3*3*56*56 = 346,816,512 MAC" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["count", "googlenet", "--no-heads", "--explain", "loss1/conv"], "node 'loss1/conv' was not counted"),
        (["count", "resnet"], "unknown model 'resnet'"),
        (
            ["count", "mini", "--explain", "conv9"],
            "node 'conv9' was not counted in mini. Did you mean 'conv1' or 'conv1/3x3'? List all nodes with --by",
        ),
        (["count", "mini", "--csv", "no/such/folder/a.csv"], "no/such/folder"),
    ],
)
def test_count_failure_prints_one_line_and_returns_1(capsys, arguments, message):
    assert main(arguments) == 1
    error = capsys.readouterr().err.replace("\\", "/")
    assert message in error
    assert "Traceback" not in error
    assert len(error.splitlines()) == 1


def test_wrong_arguments_exit_with_code_2(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["count"])
    assert stop.value.code == 2
    assert "NAME" in capsys.readouterr().err


def test_gradcheck_checks_a_layer(capsys):
    assert main(["gradcheck", "maxpool2d"]) == 0
    out = capsys.readouterr().out
    assert "PASS  MaxPool2d(kernel_size=(3, 3), stride=(2, 2)" in out
    assert "4 PASS, 0 FAIL, 0 INCONCLUSIVE" in out


def test_gradcheck_checks_a_small_network(capsys, tmp_path):
    Image.effect_noise((60, 50), 80).save(tmp_path / "noise.png")
    assert main(["gradcheck", "mini", "--image", str(tmp_path / "noise.png")]) == 0
    assert "97 nodes, each with its true upstream gradient" in capsys.readouterr().out


def test_gradcheck_checks_a_later_network(capsys):
    assert main(["gradcheck", "squeezenet1_1"]) == 0
    assert "1 PASS, 0 FAIL, 0 INCONCLUSIVE" in capsys.readouterr().out


def test_gradcheck_rejects_unknown_names(capsys):
    assert main(["gradcheck", "transformer"]) == 1
    message = capsys.readouterr().err
    assert "unknown layer or network 'transformer'; choose from googlenet, mini, alexnet" in message
    assert "all, Conv2d" in message


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_module_runs_with_any_console_encoding(encoding):
    run = subprocess.run(
        [sys.executable, "-m", "minigooglenet", "count", "mini"],
        env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"},
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr.decode()
    assert b"inception_3a" in run.stdout


@pytest.fixture(scope="module")
def toured(tmp_path_factory):
    """Return (printed text, results folder) of a tour; the folder name has a space."""
    pytest.importorskip("sklearn")
    out, stream = tmp_path_factory.mktemp("tour") / "my results", io.StringIO()
    with contextlib.redirect_stdout(stream):
        assert main(["tour", "--quick", "--seed", "1", "--out", str(out)]) == 0
    return stream.getvalue(), out


def test_tour_writes_a_network_and_figures(toured):
    out, folder = toured
    for part in (
        "13,378,280",
        "112,896,000",
        "5,268,480",
        "they agree",
        "Accuracy on held-out digits",
        "What to try next",
    ):
        assert part in out
    names = {path.name for path in folder.iterdir()}
    images = ("gradient_norms", "googlenet_filters", "training_curve", "confusion_matrix", "digit_filters")
    assert names == {
        "googlenet_counts.csv",
        "mini_googlenet_digits.safetensors",
        "digit.png",
        "network.html",
        *(f"{image}.{ending}" for image in images for ending in ("png", "txt")),
    }


def test_tour_curve_has_the_held_out_accuracy(toured):
    out, folder = toured
    text = (folder / "training_curve.txt").read_text(encoding="utf-8")
    hits = float(re.search(r"Accuracy on held-out digits: ([0-9.]+)%", out)[1])
    (row,) = re.findall(r"^ +1 +[0-9.]+ +([0-9.]+)%$", text.partition("Held out, at the end of each epoch:")[2], re.M)
    assert abs(float(row) - hits) < 0.06


def test_tour_network_records_classes_and_pixels(toured):
    _, folder = toured
    loaded = weights.load(folder / "mini_googlenet_digits.safetensors")
    assert loaded.classes == tuple("0123456789")
    _, _, images, labels = data.digits()
    assert loaded.pixels == data.GREY_UNIT
    assert (loaded.graph(images).argmax(axis=1) == labels).mean() > 0.3  # after one epoch
    with Image.open(folder / "digit.png") as image:
        assert np.abs(loaded.pixels.to_input(np.asarray(image)[None]) - images[0]).max() < 0.5 / 127  # 8 bits


def test_tour_page_has_the_classes_of_the_digit(toured):
    _, folder = toured
    html = (folder / "network.html").read_text(encoding="utf-8")
    page = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)[1])
    loaded = weights.load(folder / "mini_googlenet_digits.safetensors")
    with Image.open(folder / "digit.png") as image:
        likeliest = loaded.graph(loaded.pixels.to_input(np.asarray(image)[None, None])).argmax()
    assert page["probabilities"][0][0] == str(likeliest)
    assert page["image"]["name"] == "digit.png"


def test_printed_tour_commands_run(toured):
    out, folder = toured
    lines = [line.strip() for line in out.splitlines()]
    tip = next(line for line in lines if " classify " in line)
    run = subprocess.run(tip, shell=True, capture_output=True, check=False, timeout=120, text=True)
    assert run.returncode == 0, run.stderr
    loaded = weights.load(folder / "mini_googlenet_digits.safetensors")
    with Image.open(folder / "digit.png") as image:
        x = loaded.pixels.to_input(np.asarray(image)[None, None])
    assert re.search(r"#+ +(\d)$", run.stdout, re.MULTILINE)[1] == str(loaded.graph(x).argmax())
    others = [line for line in lines if line.startswith(tip.split(" classify ")[0]) and line != tip]
    assert len(others) == 2
    for line in others:
        assert main(shlex.split(line.partition("minigooglenet ")[2])) == 0


def test_tour_continues_without_scikit_learn(capsys, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    assert main(["tour", "--out", str(tmp_path / "results")]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "they agree" in out
    assert 'pip install "minigooglenet[course]"' in out
    assert "classify" not in out
    assert (tmp_path / "results" / "gradient_norms.png").stat().st_size > 1000


@pytest.mark.parametrize("name", ["typo.jpg", "broken.jpg", "folder"])
def test_tour_reports_unreadable_images_before_any_work(capsys, tmp_path, name):
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    (tmp_path / "folder").mkdir()
    assert main(["tour", "--image", str(tmp_path / name), "--out", str(tmp_path / "results")]) == 1
    captured = capsys.readouterr()
    assert name in captured.err
    assert len(captured.err.splitlines()) == 1
    assert captured.out == ""
    assert not (tmp_path / "results").exists()


def test_tour_reports_unwritable_folder_before_any_work(capsys, tmp_path):
    (tmp_path / "file").touch()
    assert main(["tour", "--out", str(tmp_path / "file")]) == 1
    captured = capsys.readouterr()
    assert "file" in captured.err
    assert captured.out == ""
