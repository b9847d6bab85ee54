"""Impossible values are rejected in every file format, and unusual but possible values are kept."""

import numpy as np
import pytest
import torch_made
import weight_files as make
from safetensors.numpy import save_file

import minigooglenet as mg
from minigooglenet import cli, layers, weights
from minigooglenet.weights import contents


def _network():
    g = mg.Graph(image=(2, 4, 4))
    g.add("conv", layers.Conv2d(2, 3, 3, rng=0), "image")
    g.add("bn", layers.BatchNorm2d(3), "conv")
    return g


def _with(name, value):
    g = _network()
    arrays = {key: array.copy() for key, array in (*g.params.items(), *g.buffers.items())}
    arrays[name].flat[1] = value
    return arrays


def _npz(path, arrays):
    np.savez(path, **arrays)


def _safetensors(path, arrays):
    save_file(arrays, path)


def _sealed(path, arrays):
    path.write_bytes(make.native(arrays))


def _torch(path, arrays):
    path.write_bytes(torch_made.archive(arrays))


def _caffe(path, arrays):
    path.write_bytes(b"".join(_caffe_layer(name, arrays) for name in ("conv", "bn")))


def _caffe_layer(name, arrays):
    from test_caffe import blob, layer

    return layer(name, [blob(arrays[f"{name}/{key}"]) for key in ("weight", "bias")])


KINDS = {"npz": _npz, "safetensors": _safetensors, "native": _sealed, "torch": _torch}
BAD = {
    "NaN": ("conv/weight", np.nan, "in 'conv/weight', 1 of 54 values are not finite"),
    "infinity": ("conv/bias", np.inf, "in 'conv/bias', 1 of 3 values are not finite"),
    "negative infinity": ("bn/running_mean", -np.inf, "in 'bn/running_mean', 1 of 3 values are not finite"),
    "an infinite variance": ("bn/running_var", np.inf, "in 'bn/running_var', 1 of 3 values are not finite"),
    "a negative variance": (
        "bn/running_var",
        -1e-12,
        r"in 'bn/running_var', 1 of 3 values are below 0 \(minimum -1e-12\)",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("what", BAD)
def test_impossible_values_are_rejected_without_changes(tmp_path, kind, what):
    name, value, sentence = BAD[what]
    KINDS[kind](tmp_path / "a", arrays := _with(name, value))
    path = tmp_path / "a.npz" if kind == "npz" else tmp_path / "a"
    g = _network()
    before = {key: array.copy() for key, array in (*g.params.items(), *g.buffers.items())}
    g.params["conv/weight"][:] += 1
    before["conv/weight"] += 1
    # the torchvision reader checks the array under its name in the file, before the network is known
    with pytest.raises(weights.WeightsError, match=f"{sentence}|{name}' contains values that are not finite"):
        weights.load_into(g, path)
    for key, array in (*g.params.items(), *g.buffers.items()):
        np.testing.assert_array_equal(array, before[key])
    assert arrays[name].flat[1] == value or np.isnan(value)


@pytest.mark.parametrize("what", BAD)
def test_save_rejects_impossible_values(tmp_path, what):
    name, value, _ = BAD[what]
    g = _network()
    (g.params if name in g.params else g.buffers)[name].flat[1] = value
    with pytest.raises(ValueError, match="Nothing was written to"):
        weights.save(g, tmp_path / "a.safetensors")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", [0.0, -0.0, 1e-45, 1e-40, 3.4e38, -3.4e38])
def test_unusual_values_are_kept(tmp_path, value):
    _npz(tmp_path / "a.npz", _with("conv/weight", np.float32(value)))
    g = _network()
    weights.load_into(g, tmp_path / "a.npz")
    assert g.params["conv/weight"].flat[1].tobytes() == np.float32(value).tobytes()


def test_zero_variance_is_kept(tmp_path):
    _npz(tmp_path / "a.npz", _with("bn/running_var", 0.0))
    g = _network()
    weights.load_into(g, tmp_path / "a.npz")
    assert g.buffers["bn/running_var"][1] == 0


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_precisions_load_as_single_precision(tmp_path, dtype):
    arrays = {name: array.astype(dtype) for name, array in _with("conv/bias", 0.5).items()}
    _npz(tmp_path / "a.npz", arrays)
    g = _network()
    weights.load_into(g, tmp_path / "a.npz")
    for name, array in g.params.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, arrays[name].astype(np.float32))


def test_double_beyond_single_precision_is_rejected(tmp_path):
    arrays = {name: array.astype(np.float64) for name, array in _with("conv/bias", 0.5).items()}
    arrays["conv/bias"][0] = 1e39
    _npz(tmp_path / "a.npz", arrays)
    with pytest.raises(weights.WeightsError, match=r"'conv/bias' contains 1e\+39, which is too large for float32"):
        weights.load_into(_network(), tmp_path / "a.npz")


def test_bfloat16_in_safetensors_is_read_exactly(tmp_path):
    values = np.array([1.0, -2.5, 3.0e38, 1e-40], np.float32)
    upper = values.view(np.uint32) >> 16
    entry = {"dtype": "BF16", "shape": [2, 2], "data_offsets": [0, 8]}
    path = tmp_path / "a.safetensors"
    path.write_bytes(make.safetensors({"a/weight": entry}, upper.astype("<u2").tobytes()))
    (array,) = weights.read(path).arrays.values()
    assert array.dtype == np.float32
    assert array.shape == (2, 2)
    np.testing.assert_array_equal(array.ravel(), (upper << 16).astype(np.uint32).view(np.float32))


def test_caffemodel_values_are_checked(tmp_path):
    path = tmp_path / "a.caffemodel"
    arrays = _with("conv/weight", np.nan)
    _caffe(path, arrays)
    g = mg.Graph(image=(2, 4, 4))
    g.add("conv", layers.Conv2d(2, 3, 3, rng=0), "image")
    with pytest.raises(weights.WeightsError, match="'conv/weight' contains values that are not finite"):
        weights.load_into(g, path, only="conv")
    _caffe(path, _with("conv/weight", 0.5))
    assert weights.load_into(g, path, only="conv") == ["conv/weight", "conv/bias"]


@pytest.mark.parametrize("what", BAD)
def test_onnx_file_with_impossible_values_is_rejected(tmp_path, what):
    pytest.importorskip("onnx")
    name, value, _ = BAD[what]
    g = _network()
    (g.params if name in g.params else g.buffers)[name].flat[1] = value
    weights.onnx.export(g, tmp_path / "a.onnx")
    with pytest.raises(weights.WeightsError, match=r"contains NaN or infinity|variance has values below 0"):
        weights.onnx.import_graph(tmp_path / "a.onnx")


def test_inspect_reports_unusable_values(tmp_path, capsys):
    _npz(tmp_path / "a.npz", {**_with("bn/running_var", -1.0), "conv/bias": np.array([1, np.nan, 3], np.float32)})
    assert cli.main(["weights", "inspect", str(tmp_path / "a.npz")]) == 0
    out = capsys.readouterr().out
    assert "not usable: in 'bn/running_var', 1 of 3 values are below 0 (minimum -1)" in out
    assert "not usable: in 'conv/bias', 1 of 3 values are not finite" in out


def test_variance_check_depends_on_the_name():
    for name in ("a/running_var", "a.bn.running_var", "running_var"):
        with pytest.raises(ValueError, match="values are below 0"):
            contents.check_values(name, np.array([-1.0]))
    contents.check_values("running_var/weight", np.array([-1.0]))


def test_read_notes_unusable_values_and_convert_rejects_them(tmp_path, capsys):
    _npz(tmp_path / "a.npz", _with("bn/running_var", -1.0))
    assert "in 'bn/running_var', 1 of 3 values are below 0" in weights.read(tmp_path / "a.npz").notes["not usable"]
    _npz(tmp_path / "b.npz", _with("bn/running_var", 1.0))
    assert "not usable" not in weights.read(tmp_path / "b.npz").notes
    assert cli.main(["weights", "convert", str(tmp_path / "a.npz"), str(tmp_path / "c.npz")]) == 1
    assert "a.npz is not usable: in 'bn/running_var'" in capsys.readouterr().err
    assert not (tmp_path / "c.npz").exists()
