"""Partial loading, and files from training scripts and other tools."""

import hashlib

import numpy as np
import pytest
import torch_made
from safetensors.numpy import save_file
from test_caffe import blob, field, layer

import minigooglenet as mg
from minigooglenet import data, layers, weights
from minigooglenet.weights import published, torchvision
from minigooglenet.weights.state_dicts import googlenet

CLASSIFIER, KEPT = "loss3/classifier", "inception_5b/1x1/weight"
PARTS = {"only": {"only": ["conv*", "inception_*"]}, "not strict": {"strict": False}}


def _caffe(num_classes, aux=False, rename=lambda name: name, make=blob):
    """Return (bytes of a .caffemodel, its network)."""
    g = mg.models.googlenet(num_classes, aux=aux, rng=0)
    whole = [
        layer(rename(name), [make(array) for array in one.params.values()])
        for name, (one, _) in g.nodes.items()
        if one.params
    ]
    return b"".join(whole), g


def _raw(kind, dtype):
    """Return a function that encodes a blob as raw bytes, as NVIDIA's Caffe does."""

    def make(values):
        shape = b"".join(bytes([n]) if n < 128 else bytes([n & 127 | 128, n >> 7]) for n in values.shape)
        return field(7, field(1, shape)) + field(10, kind) + field(12, values.astype(dtype).tobytes())

    return make


def _check_backbone(target, source, names):
    assert not [name for name in names if name.startswith(CLASSIFIER)]
    for name in names:
        view = target.params if name in target.params else target.buffers
        np.testing.assert_array_equal(view[name], (source.params if name in source.params else source.buffers)[name])
    assert KEPT in names


# --- Caffe


@pytest.mark.parametrize("part", PARTS)
def test_caffemodel_with_a_renamed_classifier_loads_partially(tmp_path, part):
    content, source = _caffe(5, rename=lambda name: name.replace("classifier", "classifier_food101"))
    (tmp_path / "a.caffemodel").write_bytes(content)
    target = mg.models.googlenet(7, aux=False, rng=1)
    before = target.params[f"{CLASSIFIER}/weight"].copy()
    names = weights.load_into(target, tmp_path / "a.caffemodel", **PARTS[part])
    _check_backbone(target, source, names)
    np.testing.assert_array_equal(target.params[f"{CLASSIFIER}/weight"], before)
    with pytest.raises(weights.WeightsError, match=r"'loss3/classifier_food101'.*load_into\(graph, path, only="):
        weights.load(tmp_path / "a.caffemodel")


def test_caffemodel_of_other_classes_loads_partially(tmp_path):
    content, source = _caffe(5)
    (tmp_path / "a.caffemodel").write_bytes(content)
    target = mg.models.googlenet(7, aux=False, rng=1)
    _check_backbone(target, source, weights.load_into(target, tmp_path / "a.caffemodel", **PARTS["only"]))
    with pytest.raises(weights.WeightsError, match=r"must have the shape \(7, 1024\), got \(5, 1024\)"):
        weights.load_into(target, tmp_path / "a.caffemodel")


def test_caffemodel_of_any_network_fills_matching_names(tmp_path):
    g, other = mg.Graph(image=(3, 8, 8)), mg.Graph(image=(3, 8, 8))
    for graph, seed in ((g, 0), (other, 1)):
        graph.add("conv1", layers.Conv2d(3, 4, 3, rng=seed), "image")
    content = layer("conv1", [blob(array, "four") for array in g.params.values()])
    content += layer("bn1", [blob(np.ones((1,), np.float32)) for _ in range(3)])
    (tmp_path / "a.caffemodel").write_bytes(content)
    with pytest.raises(
        weights.WeightsError,
        match="3 of the 5 given arrays have no counterpart in the network, for example 'bn1/weight'",
    ):
        weights.load_into(other, tmp_path / "a.caffemodel")
    assert weights.load_into(other, tmp_path / "a.caffemodel", strict=False) == ["conv1/weight", "conv1/bias"]
    np.testing.assert_array_equal(other.params["conv1/weight"], g.params["conv1/weight"])


@pytest.mark.parametrize(("kind", "dtype"), [(2, "<f2"), (1, "<f4"), (0, "<f8")])
def test_caffemodel_with_raw_bytes_is_read(tmp_path, kind, dtype):
    content, source = _caffe(3, make=_raw(kind, dtype))
    (tmp_path / "a.caffemodel").write_bytes(content)
    loaded = weights.load(tmp_path / "a.caffemodel").graph
    for name, array in source.params.items():
        np.testing.assert_array_equal(loaded.params[name], array.astype(dtype).astype(np.float32))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda values: _raw(3, "<i4")(values), "bytes of type 3; only half, single and double precision can be read"),
        (lambda values: _raw(2, "<f2")(values)[:0] + field(12, b"\0\0"), "bytes of type none"),
        (lambda values: field(7, field(1, b"\2")) + field(10, 2) + field(12, b"\0\0\0"), "an array of 3 bytes"),
        (
            lambda values: field(7, field(1, b"\2")) + field(10, 2) + field(12, b"\0\0"),
            "must have the shape|has 1 values",
        ),
    ],
)
def test_invalid_raw_bytes_are_rejected(tmp_path, make, sentence):
    g = mg.Graph(image=(3,))
    g.add("fc", layers.Linear(3, 2, bias=False), "image")
    (tmp_path / "a.caffemodel").write_bytes(layer("fc", [make(np.ones((2, 3), np.float32))]))
    with pytest.raises(weights.WeightsError, match=sentence):
        weights.load_into(g, tmp_path / "a.caffemodel")


@pytest.mark.parametrize(("classes", "aux"), [(365, False), (20, True)])
def test_other_caffemodels_assume_bgr_pixels(tmp_path, classes, aux):
    (tmp_path / "a.caffemodel").write_bytes(_caffe(classes, aux)[0])
    loaded = weights.load(tmp_path / "a.caffemodel")
    assert loaded.graph.made_by[1]["num_classes"] == classes
    assert loaded.pixels.colours == "BGR"
    assert "For other means, pass pixels=" in loaded.notes["pixels assumed"]
    loaded = weights.load(tmp_path / "a.caffemodel", pixels="BGR:104,112.5,116.7")
    assert loaded.pixels.mean == (104, 112.5, 116.7)
    assert "pixels assumed" not in loaded.notes


# --- torch


@pytest.fixture(scope="module")
def source():
    return mg.models.googlenet(num_classes=5, aux=False, variant="torchvision", rng=0)


@pytest.fixture(scope="module")
def state(source):
    arrays = {**source.params, **source.buffers}
    return {key: arrays[name] for key, name in googlenet.names().items()}


def _write(path, state):
    if path.suffix == ".safetensors":
        save_file(state, path)
    else:
        path.write_bytes(torch_made.archive(state))


FORMS = pytest.mark.parametrize("form", ["a.safetensors", "a.pth"])


@FORMS
@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "model.", "module._orig_mod.", "model.module."])
def test_training_script_prefix_is_removed_and_reported(tmp_path, state, source, form, prefix):
    _write(tmp_path / form, {f"{prefix}{name}": array for name, array in state.items()})
    loaded = weights.load(tmp_path / form, pixels="imagenet")
    assert loaded.notes["prefix"] == f"the prefix {prefix!r} was removed from the names"
    np.testing.assert_array_equal(loaded.graph.params[KEPT], source.params[KEPT])


@FORMS
def test_extra_names_are_reported_without_the_prefix(tmp_path, state, form):
    more = {"criterion.weight": np.ones(5, np.float32)}
    _write(tmp_path / form, {f"model.{name}": array for name, array in state.items()} | more)
    with pytest.raises(weights.WeightsError, match=r"it also has 'criterion\.weight'"):
        weights.load(tmp_path / form)
    target = mg.models.googlenet(5, aux=False, variant="torchvision", rng=1)
    assert len(weights.load_into(target, tmp_path / form, strict=False)) == len(state)


@FORMS
@pytest.mark.parametrize("part", PARTS)
def test_partial_state_dict_is_loaded(tmp_path, state, source, form, part):
    changed = {name: array for name, array in state.items() if not name.startswith("fc.")}
    changed |= {"fc.1.weight": np.ones((9, 1024), np.float32), "fc.1.bias": np.ones(9, np.float32)}
    _write(tmp_path / form, changed)
    target = mg.models.googlenet(7, aux=False, variant="torchvision", rng=1)
    _check_backbone(target, source, weights.load_into(target, tmp_path / form, **PARTS[part]))
    with pytest.raises(weights.WeightsError, match=r"it has no matrix 'fc\.weight'.*load_into\(graph, path, only="):
        weights.load(tmp_path / form)


@FORMS
def test_state_dict_of_other_classes_loads_partially(tmp_path, state, source, form):
    _write(tmp_path / form, state)
    target = mg.models.googlenet(7, aux=False, variant="torchvision", rng=1)
    _check_backbone(target, source, weights.load_into(target, tmp_path / form, **PARTS["only"]))


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict", "model", "net"])
def test_checkpoint_with_a_state_dict_is_read(tmp_path, state, source, key):
    _write(tmp_path / "a.pth", {key: state, "epoch": 3, "optimizer": {"state": {}, "param_groups": [{"lr": 0.1}]}})
    loaded = weights.load(tmp_path / "a.pth", pixels="unit")
    assert loaded.notes["inside"] == f"{key!r} of a checkpoint, next to 'epoch', 'optimizer'"
    np.testing.assert_array_equal(loaded.graph.params[KEPT], source.params[KEPT])


MODULE = torch_made.Raw(b"c__main__\nNet\n)\x81}X\x08\0\0\0trainingK\1sb")


@pytest.mark.parametrize("thing", [MODULE, {"model": MODULE}, [MODULE]])
def test_pickled_module_is_rejected_in_one_sentence(tmp_path, thing):
    for make in (torch_made.archive, torch_made.stream):
        (tmp_path / "a.pth").write_bytes(make(thing))
        with pytest.raises(
            weights.WeightsError, match=r"__main__\.Net, that could run any code.*model\.state_dict\(\)"
        ) as caught:
            weights.load(tmp_path / "a.pth")
        assert "\x1b" not in str(caught.value)
        assert "\n" not in str(caught.value)


@FORMS
def test_state_dict_of_any_graph_loses_its_prefix(tmp_path, form):
    g, other = mg.Graph(image=(3,)), mg.Graph(image=(3,))
    for graph, seed in ((g, 0), (other, 1)):
        graph.add("fc", layers.Linear(3, 2, rng=seed), "image")
    _write(tmp_path / form, {f"module.{name}": array for name, array in g.params.items()})
    assert weights.load_into(other, tmp_path / form) == ["fc/weight", "fc/bias"]
    np.testing.assert_array_equal(other.params["fc/weight"], g.params["fc/weight"])


def test_names_that_resemble_a_prefix_are_kept(tmp_path):
    g, other = mg.Graph(image=(3,)), mg.Graph(image=(3,))
    for graph, seed in ((g, 0), (other, 1)):
        graph.add("model.fc", layers.Linear(3, 2, rng=seed), "image")
    for path in (tmp_path / "a.safetensors", tmp_path / "b.safetensors"):
        weights.save(g, path) if path.name[0] == "a" else save_file(dict(g.params), path)
        assert weights.load_into(other, path) == ["model.fc/weight", "model.fc/bias"]


@pytest.mark.parametrize("form", ["a.safetensors", "a.pth", "a.npz", "a.caffemodel"])
def test_long_names_are_read(tmp_path, form):
    name, array = "deep/" * 600 + "fc", np.ones((2, 3), np.float32)
    if form == "a.npz":
        np.savez(tmp_path / form, **{f"{name}/weight": array})
    elif form == "a.caffemodel":
        (tmp_path / form).write_bytes(layer(name, [blob(array)]))
    else:
        _write(tmp_path / form, {f"{name}/weight": array})
    g = mg.Graph(image=(3,))
    g.add(name, layers.Linear(3, 2, bias=False), "image")
    assert weights.load_into(g, tmp_path / form) == [f"{name}/weight"]
    g = mg.Graph(image=(3,))
    g.add("other", layers.Linear(3, 2, bias=False), "image")
    with pytest.raises(weights.WeightsError, match="as weights: ") as caught:
        weights.load_into(g, tmp_path / form)
    assert len(str(caught.value)) < 1000


# --- unknown pixels


@FORMS
def test_state_dict_without_pixels_warns(tmp_path, state, form):
    _write(tmp_path / form, state)
    with pytest.warns(
        weights.UnknownPixelsWarning, match=r"does not record how images become inputs.*Pass pixels=.*--pixels"
    ):
        loaded = weights.load(tmp_path / form)
    assert loaded.pixels is None
    weights.load(tmp_path / form, pixels=data.UNIT)  # no warning
    loaded = weights.load(tmp_path / form, pixels="imagenet")
    assert loaded.pixels.std == (58.395, 57.12, 57.375)
    assert "pixels unknown" not in loaded.notes


def test_published_torchvision_file_has_known_pixels(tmp_path, state, monkeypatch):
    _write(tmp_path / "a.safetensors", state)
    digest = hashlib.sha256((tmp_path / "a.safetensors").read_bytes()).hexdigest()
    file = published.Published("mine", "a.safetensors", (), sha256=digest[:8], pixels="unit")
    monkeypatch.setattr(torchvision, "PUBLISHED", (file,))
    loaded = weights.load(tmp_path / "a.safetensors")
    assert loaded.pixels == data.UNIT


def test_mismatched_pixels_are_rejected(tmp_path, state):
    _write(tmp_path / "a.safetensors", state)
    with pytest.raises(weights.WeightsError, match=r"L has 1 channels, but the network expects inputs \(3, 224, 224\)"):
        weights.load(tmp_path / "a.safetensors", pixels="grey-unit")
    for wrong, kind in (("gray", ValueError), ("RGB:1,2", ValueError), ("RGB:a,b,c", ValueError), (3, TypeError)):
        with pytest.raises(kind, match=r"pixels must be|mean needs 3 numbers"):
            weights.load(tmp_path / "a.safetensors", pixels=wrong)
