"""Where commands write: standard output for "-", closed pipes, and system errors as sentences."""

import csv
import errno
import io
import json
import os
import subprocess
import sys

import pytest
from PIL import Image

import minigooglenet as mg
from minigooglenet import cli, files
from minigooglenet.kernels import compiled

REASON = compiled.why_not_fast()
NOTICE = (
    [compiled.WITHOUT_NUMBA.format(reason=REASON)] if REASON else []
)  # the only other text that a command may print


def test_count_writes_csv_to_standard_output(capsys):
    assert cli.main(["count", "mini", "--csv", "-"]) == 0
    printed = capsys.readouterr()
    rows = list(csv.DictReader(io.StringIO(printed.out)))
    assert rows[0]["name"] == "conv1/3x3"
    assert "parameters" in printed.err  # the table goes to standard error


def test_count_writes_json_to_standard_output(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["count", "mini", "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["totals"]["params"] == 72_526
    assert list(tmp_path.iterdir()) == []  # no file is called "-"


def test_two_outputs_on_standard_output_are_rejected(capsys):
    assert cli.main(["count", "mini", "--csv", "-", "--json", "-"]) == 1
    assert "only one of the outputs can go to standard output" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["cat.jpg", "cat.PNG", "net.safetensors", "net.onnx", "03_gradients.ipynb"])
def test_json_output_overwrites_no_other_format(capsys, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"kept")
    for call in (
        ["count", "mini", "--csv", str(path)],
        ["classify", "--json", str(path), "b.jpg", "--weights", "none.safetensors"],
        ["evaluate", "--data", "digits", "--weights", "none.safetensors", "--json", str(path)],
    ):
        assert cli.main(call) == 1
        assert "would be overwritten" in capsys.readouterr().err
    assert path.read_bytes() == b"kept"


def test_bench_writes_json_to_standard_output(capsys, tmp_path):
    arguments = ["bench", "threads", "--quick", "--model", "mini", "--peers", "none", "--rounds", "1", "--batch", "1"]
    assert cli.main([*arguments, "--out", str(tmp_path), "--json", "-"]) == 0
    assert "threads" in json.loads(capsys.readouterr().out)


def test_unwritable_output_is_reported_before_any_work(capsys, tmp_path):
    assert cli.main(["count", "mini", "--csv", str(tmp_path / "missing" / "a.csv")]) == 1
    printed = capsys.readouterr()
    assert "does not exist" in printed.err
    assert printed.out == ""


def test_closed_pipe_ends_a_command_silently():
    command = [sys.executable, "-m", "minigooglenet", "count", "googlenet", "--by", "layer"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read().decode().splitlines() == NOTICE
    assert process.returncode != 120  # Python's own code when it cannot flush


@pytest.mark.parametrize("number", sorted(cli.REASONS))
def test_system_errors_are_sentences_with_the_path(number):
    error = OSError(number, os.strerror(number), "file")
    sentence = cli.sentence(error)
    assert sentence == f"{error.filename}: {cli.REASONS[number]}"
    assert "Errno" not in sentence


def test_unlisted_system_errors_keep_the_system_text():
    assert cli.sentence(OSError(errno.EIO, "Input/output error", "x")) == "x: input/output error"
    assert cli.sentence(OSError(errno.EIO, "Input/output error")) == "input/output error"
    assert cli.sentence(FileNotFoundError("cannot write a.csv: folder b does not exist")).startswith(
        "cannot write a.csv"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["weights", "inspect", "FOLDER"],
        ["weights", "inspect", "FOLDER/none"],
        ["classify", "FOLDER/none.png", "--weights", "FOLDER/none"],
        ["evaluate", "--data", "digits", "--weights", "FOLDER/none"],
        ["train", "--data", "digits", "--out", "FILE/run"],
        ["train", "--data", "digits", "--out", "FOLDER/run", "--weights", "FOLDER"],
        ["count", "mini", "--csv", "FOLDER"],
        ["count", "mini", "--json", "FILE/x.json"],
        ["lessons", "FILE/x"],
        ["check", "01.1", "FOLDER"],
        ["check", "01.1", "FOLDER/none.py"],
        ["release", "FOLDER/none", "FOLDER/out"],
        ["grade", "FOLDER/none", "--csv", "FOLDER/out.csv"],
        ["gradcheck", "mini", "--image", "FOLDER/none.png"],
        ["experiment", "gradients", "--out", "FILE/x"],
        ["tour", "--quick", "--out", "FILE/x"],
    ],
)
def test_every_command_reports_system_errors_in_one_sentence(arguments, tmp_path, capsys):
    (tmp_path / "a file").write_text("x", encoding="utf-8")
    paths = {"FOLDER": str(tmp_path), "FILE": str(tmp_path / "a file")}
    for word, path in paths.items():
        arguments = [argument.replace(word, path) for argument in arguments]
    code = cli.main(arguments)
    printed = capsys.readouterr()
    assert code in (1, 2)
    assert "Errno" not in printed.err + printed.out
    assert "Traceback" not in printed.err
    assert str(tmp_path) in printed.err + printed.out  # the path of the error


def test_dash_writes_to_standard_output(capsys):
    files.write_text("-", "some text\n")
    assert capsys.readouterr().out == "some text\n"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Return (weights file of an untrained network, folder with two images)."""
    folder = tmp_path_factory.mktemp("tiny")
    g = mg.models.mini_googlenet(10, in_channels=1, width=0.25, depth=2, rng=0)
    mg.weights.save(g, folder / "w.safetensors", pixels=mg.data.GREY_UNIT, classes=tuple("0123456789"))
    (folder / "images").mkdir()
    for name in "ab":
        Image.new("L", (32, 32), 100).save(folder / "images" / f"{name}.png")
    return folder / "w.safetensors", folder / "images"


def test_classify_writes_json_to_standard_output(tiny, capsys):
    file, images = map(str, tiny)
    assert cli.main(["classify", images, "--weights", file, "--json", "-"]) == 0
    assert [len(answer["top"]) for answer in json.loads(capsys.readouterr().out)] == [5, 5]


def test_evaluate_writes_json_to_standard_output(tiny, capsys):
    pytest.importorskip("sklearn")
    assert cli.main(["evaluate", "--data", "digits", "--weights", str(tiny[0]), "--limit", "20", "--json", "-"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["data"] == "digits"
    assert "Classified 20 crops in" in printed.err


def test_grade_writes_csv_to_standard_output(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "ada.pdf").write_bytes(b"%PDF")
    cli.main(["grade", "class", "--csv", "-", "--lesson", "01"])
    printed = capsys.readouterr()
    rows = list(csv.reader(io.StringIO(printed.out)))
    assert rows[0][:3] == ["student", "file", "exercise"]
    assert {path.name for path in tmp_path.iterdir()} == {"class"}
