"""State dicts of every public network build it; wrong and missing arrays, and networks that are alike, are rejected."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch_made
from safetensors.numpy import save_file
from torchvision_oracle import module

import minigooglenet as mg
from minigooglenet import weights
from minigooglenet.weights import detect, published, torchvision
from minigooglenet.weights.state_dicts.known import KNOWN, recognised

NETWORKS = {one.model: one for one in KNOWN}
ANY = pytest.mark.parametrize("name", NETWORKS)
# {network: torchvision's module}
MODULES = {
    "googlenet": "googlenet",
    "inception_v3": "inception",
    **dict.fromkeys(("resnet18", "resnet50", "resnext50_32x4d"), "resnet"),
    **dict.fromkeys(("squeezenet1_0", "squeezenet1_1"), "squeezenet"),
    "mobilenet_v2": "mobilenetv2",
}


def graph(name, classes=3, **settings):
    aux = {"aux": False} if NETWORKS[name].heads else {}
    return mg.models.build(name, classes, **NETWORKS[name].arguments, **aux, init="zeros", **settings)


def state(name):
    """Return a state dict with three classes, without heads, in half precision to save space."""
    g, rng = graph(name), np.random.default_rng(0)
    shapes = {key: array.shape for view in (g.params, g.buffers) for key, array in view.items()}
    return {key: rng.random(shapes[array]).astype("f2") for key, array in NETWORKS[name].names.items()}


def write(path, arrays):
    if path.suffix == ".pth":
        path.write_bytes(torch_made.archive(arrays))
    else:
        save_file(arrays, path)
    return path


@ANY
@pytest.mark.parametrize("file", ["a.pth", "a.safetensors"])
def test_state_dict_builds_its_network(name, file, tmp_path):
    arrays = {f"module.{key}": array for key, array in state(name).items()}
    with pytest.warns(weights.UnknownPixelsWarning):
        loaded = weights.load(write(tmp_path / file, arrays))
    assert loaded.graph.made_by[0] == name
    assert loaded.graph.shapes == graph(name).shapes
    assert loaded.notes["from"] == NETWORKS[name].source
    assert "'module.' was removed" in loaded.notes["prefix"]
    values = {**loaded.graph.params, **loaded.graph.buffers}
    assert values.keys() == set(NETWORKS[name].names.values())
    for key, array in NETWORKS[name].names.items():
        np.testing.assert_array_equal(values[array], arrays[f"module.{key}"].astype("f4"))


@ANY
def test_another_number_of_classes_loads_in_parts(name, tmp_path):
    path, source = write(tmp_path / "a.pth", state(name)), state(name)
    g = graph(name, 7)
    names = weights.load_into(g, path, only=NETWORKS[name].backbone)
    head = {array for key, array in NETWORKS[name].names.items() if array not in names}
    assert head == {
        f"{NETWORKS[name].names[NETWORKS[name].classifier].removesuffix('/weight')}/{part}"
        for part in ("weight", "bias")
    }
    mark = NETWORKS[name].mark[0]
    np.testing.assert_array_equal(g.params[NETWORKS[name].names[mark]], source[mark].astype("f4"))


@ANY
def test_missing_other_and_misshapen_arrays_are_named(name, tmp_path):
    known, arrays = NETWORKS[name], state(name)
    last = [key for key in arrays if key not in (known.mark[0], known.classifier)][-1]
    title = f"it is not {known.source}'s {known.title}, because it"
    part = f"only={list(known.backbone)}"
    wrong = {
        f"{title} lacks {last!r} (1 in total)": {key: array for key, array in arrays.items() if key != last},
        f"{title} also has 'fc2.weight' (1 in total)": {**arrays, "fc2.weight": np.ones(3, "f4")},
        f"{last!r} must have the shape {arrays[last].shape}, as in {known.source}, got (2, 2)": {
            **arrays,
            last: np.ones((2, 2), "f4"),
        },
        f"{title} has no matrix {known.classifier!r}": {**arrays, known.classifier: np.ones(3, "f4")},
    }
    for reason, changed in wrong.items():
        with pytest.raises(weights.WeightsError, match=r"^cannot read") as caught:
            weights.load(write(tmp_path / "a.safetensors", changed))
        assert reason in str(caught.value)
        assert part in str(caught.value)
    with pytest.raises(weights.WeightsError, match=r"must have floats, got int32"):
        weights.load(write(tmp_path / "a.safetensors", {**arrays, last: arrays[last].astype("i4")}))


@pytest.mark.parametrize("other", ["resnet34", "resnet101"])
def test_deeper_networks_with_the_same_names_are_rejected(other, tmp_path):
    pytest.importorskip("torch")
    shapes = {key: tuple(value.shape) for key, value in getattr(module("resnet"), other)().state_dict().items()}
    arrays = {key: np.zeros(shape, "f2") for key, shape in shapes.items()}
    with pytest.raises(
        weights.WeightsError, match=r"it is not torchvision's ResNet-(18|50), because it also has 'layer"
    ):
        weights.load(write(tmp_path / "a.safetensors", arrays))


@pytest.mark.parametrize("other", ["wide_resnet50_2"])
def test_other_networks_are_not_recognised(other):
    pytest.importorskip("torch")
    assert recognised(getattr(module("resnet"), other)().state_dict()) is None


@ANY
def test_each_network_is_recognised_and_no_other(name):
    assert recognised(state(name)) is NETWORKS[name]


@pytest.mark.parametrize("name", MODULES)
def test_published_file_has_the_pixels_of_torchvision(name, tmp_path, monkeypatch):
    (one,) = [one for one in published.PUBLISHED if one.name == f"torchvision_{name}"]
    monkeypatch.setattr(torchvision, "digest_of", lambda file, algorithm: one.sha256 + "0" * 56)
    loaded = weights.load(write(tmp_path / one.file, state(name)))
    mean, std = (
        ((127.5,) * 3,) * 2
        if name in ("googlenet", "inception_v3")
        else (
            (123.675, 116.28, 103.53),
            (58.395, 57.12, 57.375),
        )
    )
    assert loaded.pixels.mean == pytest.approx(mean)
    assert loaded.pixels.std == pytest.approx(std)


@pytest.mark.parametrize("name", MODULES)
def test_published_files_are_those_of_torchvision(name):
    pytest.importorskip("torch")
    (one,) = [one for one in published.PUBLISHED if one.name == f"torchvision_{name}"]
    enums = vars(module(MODULES[name]))
    (weight,) = [enum for key, enum in enums.items() if key.lower() == f"{name}_weights"]
    first = weight.IMAGENET1K_V1
    assert one.urls == (first.url,)
    assert one.file == first.url.rpartition("/")[2]
    assert one.sha256 == one.file.rpartition("-")[2].removesuffix(".pth")
    assert one.about == f"about {first.meta['_file_size']:.1f} MB; the exact size is unknown"


def test_table_of_published_files_is_written_from_the_list():
    script = Path(__file__).parents[2] / "docs" / "_ext" / "published_table.py"
    if not script.exists():
        pytest.skip("the documentation is not next to the package")
    spec = importlib.util.spec_from_file_location("published_table", script)
    table = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(table)
    assert table.PAGE.read_text(encoding="utf-8") == table.text(), "run python docs/_ext/published_table.py"


def test_reader_of_public_networks_is_in_the_list_of_formats():
    assert torchvision.Reader in detect.READERS
