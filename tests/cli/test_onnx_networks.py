"""Commands that take the name of a network also take an ONNX file."""

import re
from pathlib import Path

import pytest

import minigooglenet as mg
from minigooglenet import layers
from minigooglenet.cli import main
from minigooglenet.weights import by_name
from minigooglenet.weights.onnx import export

onnx = pytest.importorskip("onnx")


@pytest.fixture
def path(tmp_path, monkeypatch):
    """Return the name of an ONNX file in the current folder: a network whose output keeps its axes (4, 1, 1)."""
    g = mg.Graph(image=(3, 8, 8))
    g.add("conv", layers.Conv2d(3, 6, 3, padding=1, rng=0), "image")
    g.add("relu", layers.ReLU(), "conv")
    g.add("pool", layers.MaxPool2d(3, stride=2), "relu")
    g.add("logits", layers.Conv2d(6, 4, 1, rng=1), "pool")
    g.add("mean", layers.AvgPool2d(3), "logits")
    monkeypatch.chdir(tmp_path)
    export(g, "net.onnx")
    return "net.onnx"


def test_count_takes_an_onnx_file(path, capsys):
    assert main(["count", path, "--by", "layer"]) == 0
    out = capsys.readouterr().out
    macs = 6 * 3 * 9 * 64 + 4 * 6 * 9
    assert f"{6 * 3 * 9 + 6 + 4 * 6 + 4:,} parameters, {macs:,} MAC" in out


def test_count_beside_shows_where_two_networks_differ(path, tmp_path, capsys):
    g = by_name.network(path)
    g.nodes["pool"].layer.ceil_mode = True
    other = mg.Graph(image=(3, 8, 8))
    for name, (layer, wires) in g.nodes.items():
        if name != "mean":
            other.add(name, layer, *wires)
    other.add("mean", layers.AvgPool2d(4), "logits")
    export(other, tmp_path / "other.onnx")
    assert main(["count", path, "--beside", "other.onnx"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"pool +pool +ceil_mode no and yes, shape 6x3x3 and 6x4x4 +0 +0", out)
    assert re.search(r"mean +mean +kernel_size 3x3 and 4x4, stride 3x3 and 4x4", out)
    assert re.search(rf"total +{6 * 3 * 9 * 64 + 4 * 6 * 9:,} +{6 * 3 * 9 * 64 + 4 * 6 * 16:,}", out)
    assert "1 more nodes have other sizes" in out  # the 1x1 convolution
    assert "conv " not in out


def test_floored_pools_of_inception_v1_are_found(capsys):
    light = Path(onnx.__file__).parent / "backend/test/data/light/light_inception_v1.onnx"
    if not light.is_file():
        pytest.skip("this onnx package has no light models")
    assert main(["count", str(light), "--beside", "googlenet", "--no-heads"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"total +1,431,556,352 +1,582,671,872", out)
    for pool, shapes in (("pool1/3x3_s2", "64x55x55 and 64x56x56"), ("pool4/3x3_s2", "832x6x6 and 832x7x7")):
        assert re.search(rf"r\d+ +{pool} +ceil_mode no and yes, shape {shapes}", out)
    assert "loss1" not in out


def test_gradcheck_takes_an_onnx_file(path, capsys):
    assert main(["gradcheck", path]) == 0
    assert "1 PASS, 0 FAIL" in capsys.readouterr().out


def test_gradcheck_explains_why_an_image_does_not_fit(tmp_path, capsys):
    g = mg.Graph(image=(1, 8, 8))
    g.add("mean", layers.GlobalAvgPool2d(), "image")
    export(g, tmp_path / "grey.onnx")
    assert main(["gradcheck", str(tmp_path / "grey.onnx"), "--image", "cat.png"]) == 1
    assert "--image needs a network for square RGB images" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["net.onnx", "network"], ["network", "--model", "net.onnx"]])
def test_bench_takes_an_onnx_file(arguments, path, capsys):
    options = ["--quick", "--batch", "1", "--threads", "1", "--rounds", "1", "--peers", "none"]
    assert main(["bench", *arguments, *options]) == 0
    assert "plan(x)" in capsys.readouterr().out


def test_bench_rejects_two_networks(path, capsys):
    assert main(["bench", path, "other.onnx", "network"]) == 1
    assert "one network can be measured at a time, got net.onnx and other.onnx" in capsys.readouterr().err


def test_view_takes_an_onnx_file(path, tmp_path):
    assert main(["view", path, "--no-open"]) == 0
    assert (tmp_path / "net-view.html").is_file()


@pytest.mark.parametrize("command", ["count", "gradcheck", "view", "bench"])
def test_unsupported_file_is_reported_in_lines(command, path, tmp_path, capsys):
    whole = onnx.load(path)
    whole.graph.node[1].op_type = "Gelu"
    onnx.save(whole, path)
    assert main([command, path, *(["--no-open"] if command == "view" else [])]) == 1
    error = capsys.readouterr().err
    assert "cannot read" in error
    assert "Gelu (1 node, 'relu'): no layer supports this operator. Replace it" in error
