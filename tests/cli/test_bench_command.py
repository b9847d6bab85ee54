"""`minigooglenet bench`, from its arguments to its files, with the smallest settings."""

import json
import sys

import pytest

from minigooglenet.bench import machine
from minigooglenet.cli import main

SMALL = ["--quick", "--model", "mini", "--batch", "1", "--threads", "1", "--rounds", "1", "--peers", "none"]


@pytest.fixture(autouse=True)
def cheap_rates(monkeypatch):
    monkeypatch.setattr(machine, "PRODUCT", 64)
    monkeypatch.setattr(machine, "COPY_BYTES", 1 << 16)


def test_quick_run_prints_tables_and_writes_files(capsys, tmp_path):
    files = ["--json", str(tmp_path / "bench.json"), "--out", str(tmp_path / "out")]
    assert main(["bench", *SMALL, *files, "--layers", "conv1/3x3", "--profile", "ladder", "network", "threads"]) == 0
    out = capsys.readouterr().out
    for part in ("Peak rates of this machine", "The ladder on single layers", "The ladder in the whole network"):
        assert part in out
    for part in ("Inference of the main output", "Threads: plan(x)", "Time of a training step", "Node by node"):
        assert part in out
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *("roofline.png", "roofline.txt", "timeline.png", "timeline.txt"),
    }
    result = json.loads((tmp_path / "bench.json").read_text(encoding="utf-8"))
    assert list(result) == [
        *("machine", "settings", "missing_peers", "load_average"),
        *("ladder", "network", "threads", "profile", "timeline"),
    ]
    assert result["machine"]["cpu"] in out
    assert result["settings"]["model"] == "mini"
    assert "median_seconds" in result["network"]["records"][0]


def test_profile_measures_no_other_part(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["bench", *SMALL, "--profile"]) == 0
    out = capsys.readouterr().out
    assert "Time of a training step" in out
    assert "One image through the plan" in out
    assert "Inference" not in out
    assert [path.name for path in tmp_path.iterdir()] == ["minigooglenet-bench"]


def test_missing_peers_are_reported_and_the_run_continues(capsys, monkeypatch):
    for module in ("torch", "onnxruntime", "openvino"):
        monkeypatch.setitem(sys.modules, module, None)
    arguments = SMALL[: SMALL.index("--peers")]
    assert main(["bench", *arguments, "network"]) == 0
    out = capsys.readouterr().out
    assert "not measured: torch is not installed: pip install torch" in out
    assert "pip install onnx onnxruntime" in out
    assert "plan(x)" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--peers", "torch"], "torch is not installed: pip install torch"),
        (["--peers", "jax"], "unknown engine 'jax'"),
        (["--model", "resnet"], "unknown model 'resnet'"),
        (["ladder", "--layers", "conv9"], "unknown convolution 'conv9'"),
        (["network", "--json", "no/such/folder/a.json"], "does not exist"),
    ],
)
def test_bench_failure_prints_one_line_and_returns_1(capsys, monkeypatch, tmp_path, arguments, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert main(["bench", *SMALL, *arguments]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize("arguments", [["everything"], ["--batch", "0"], ["--threads", "none"]])
def test_wrong_arguments_exit_with_code_2(capsys, arguments):
    with pytest.raises(SystemExit) as stop:
        main(["bench", *arguments])
    assert stop.value.code == 2
    assert "minigooglenet bench: error" in capsys.readouterr().err


def test_name_of_a_network_as_a_part_suggests_the_option(capsys):
    with pytest.raises(SystemExit):
        main(["bench", "mobilenet_v2"])
    assert "unknown part 'mobilenet_v2'" in (error := capsys.readouterr().err)
    assert "Did you mean --model mobilenet_v2?" in error
