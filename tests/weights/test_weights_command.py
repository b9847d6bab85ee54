"""`minigooglenet weights`: showing and converting weights files."""

import argparse
import sys
import types

import numpy as np
import pytest
import weight_files as make

import minigooglenet as mg
from minigooglenet import data, weights
from minigooglenet.cli import weights as command


def _run(*arguments):
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers(), "weights")
    return command.run(parser.parse_args(["weights", *map(str, arguments)]))


def _network():
    return mg.models.mini_googlenet(3, in_channels=1, size=16, width=0.2, rng=0)


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "mini.safetensors"
    weights.save(_network(), path, pixels=data.GREY_UNIT, classes="abc", notes={"trained on": "digits"})
    return path


@pytest.fixture
def plain(tmp_path):
    with (tmp_path / "mini.npz").open("wb") as file:
        np.savez(file, **_network().params, **_network().buffers)
    return tmp_path / "mini.npz"


def test_inspect_prints_metadata_and_arrays(saved, capsys):
    _run("inspect", saved)
    out = capsys.readouterr().out
    for line in (
        "format: safetensors",
        "verified: all arrays and all metadata match their SHA-256",
        "model: mini_googlenet",
        "colours='L'",
        "classes: 3: a, b, c",
        "trained on: digits",
    ):
        assert line in out
    assert "num_classes=3, in_channels=1" in out
    g = _network()
    params, statistics = (sum(value.size for value in view.values()) for view in (g.params, g.buffers))
    assert f"127 arrays: {params:,} parameters, {statistics:,} running statistics" in out
    row = next(line for line in out.splitlines() if "conv1/3x3/weight" in line)
    weight = g.params["conv1/3x3/weight"]
    assert row.split()[1:3] == ["6x1x3x3", "float32"]
    assert [float(cell) for cell in row.split()[3:]] == pytest.approx(
        [weight.mean(), weight.std(), weight.min(), weight.max()], rel=1e-3
    )
    assert all(name in out for name in g.params)


def test_inspect_prints_a_diverged_network(tmp_path, capsys):
    with (tmp_path / "a.npz").open("wb") as file:
        np.savez(file, a=np.array([1, np.nan, np.inf]), none=np.zeros((0, 2)), steps=np.array(7))
    _run("inspect", tmp_path / "a.npz")
    out = capsys.readouterr().out
    assert "verified: no: " in out
    assert "model: not recorded in the file" in out
    assert "nan" in out
    assert "0x2" in out
    (tmp_path / "b").write_bytes(make.safetensors({"a": make.ENTRY}, bytes(8)))
    _run("inspect", tmp_path / "b")
    assert "verified: no: the file has no checksums" in capsys.readouterr().out


def test_convert_to_npz_and_back_keeps_every_bit(saved, tmp_path, capsys):
    _run("convert", saved, tmp_path / "a.npz")
    assert "only arrays, without the model, pixels or classes" in capsys.readouterr().out
    options = ("--model", "mini", "--argument", "num_classes=3", "--argument", "in_channels=1")
    _run("convert", tmp_path / "a.npz", tmp_path / "b.safetensors", *options, "--argument", "width=0.2")
    g = weights.load(tmp_path / "b.safetensors").graph
    assert all(np.array_equal(g.params[key], value) for key, value in _network().params.items())
    assert all(np.array_equal(g.buffers[key], value) for key, value in _network().buffers.items())


def test_convert_adds_checksums_to_plain_arrays(plain, tmp_path):
    _run("convert", plain, tmp_path / "a.safetensors")
    contents = weights.read(tmp_path / "a.safetensors")
    assert contents.model is None
    assert contents.notes == {}


def test_native_file_converts_to_the_same_bytes(saved, tmp_path):
    _run("convert", saved, tmp_path / "a.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == saved.read_bytes()


def test_convert_to_onnx_exports_the_filled_network(saved, tmp_path, monkeypatch):
    got, fake = [], types.ModuleType("onnx")
    fake.export = lambda graph, path, pixels, classes: got.append((graph, path, pixels, classes))
    monkeypatch.setitem(sys.modules, "minigooglenet.weights.onnx", fake)
    _run("convert", saved, tmp_path / "a.onnx")
    ((graph, path, pixels, classes),) = got
    assert (pixels, classes) == (data.GREY_UNIT, ("a", "b", "c"))
    assert path == str(tmp_path / "a.onnx")
    assert all(np.array_equal(graph.params[key], value) for key, value in _network().params.items())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["PLAIN", "a.txt"], "OUT must end in one of .safetensors, .npz, .onnx, got"),
        (["PLAIN", "a.onnx"], "does not record its model"),
        (["SAVED", "a.npz", "--model", "mini"], "records its model, 'mini_googlenet'. Leave out --model"),
        (["PLAIN", "a.safetensors", "--argument", "width=1"], "--argument needs --model"),
        (["PLAIN", "a.safetensors", "--model", "resnet"], "unknown model 'resnet'"),
        (
            ["PLAIN", "a.safetensors", "--model", "mini", "--argument", "norm=lrn"],
            "cannot read .*mini.npz as weights: ",
        ),
    ],
)
def test_failed_convert_reports_why_and_writes_nothing(saved, plain, tmp_path, arguments, sentence):
    paths = {"PLAIN": plain, "SAVED": saved}
    file, out, *options = arguments
    with pytest.raises(ValueError, match=sentence):
        _run("convert", paths[file], tmp_path / out, *options)
    assert {path.name for path in tmp_path.iterdir()} == {"mini.safetensors", "mini.npz"}


def test_convert_rejects_malformed_arguments(capsys):
    for wrong in ("width", "=3", "width="):
        with pytest.raises(SystemExit):
            _run("convert", "a", "b.npz", "--argument", wrong)
        assert "must be NAME=VALUE" in capsys.readouterr().err
