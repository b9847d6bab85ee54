"""Other engines: which ones are installed, and that their results equal ours."""

import sys

import numpy as np
import pytest

import minigooglenet as mg
from minigooglenet import layers, models
from minigooglenet.bench import equality, peers, settings, training


def test_missing_engines_are_reported_with_install_command(monkeypatch):
    for module in ("torch", "onnxruntime", "openvino"):
        monkeypatch.setitem(sys.modules, module, None)
    working, missing = peers.find()
    assert working == {}
    assert set(missing) == set(peers.KNOWN)
    assert "torch is not installed: pip install torch" in missing["torch"]
    assert missing["openvino"].endswith("pip install onnx openvino")


def test_broken_engine_reports_its_error(monkeypatch):
    def broken(name):
        raise OSError(f"{name}: a library does not load\nmore")

    monkeypatch.setattr(peers.importlib, "import_module", broken)
    _, missing = peers.find(["torch"])
    assert missing["torch"].startswith(
        "torch does not load (torch: a library does not load). Try installing it again: pip install"
    )


def test_names_parses_the_list_of_engines():
    assert peers.names("torch, openvino") == ("torch", "openvino")
    assert peers.names("none") == ()
    with pytest.raises(ValueError, match="unknown engine 'jax'; choose from torch, onnxruntime, openvino, none"):
        peers.names("jax")


@pytest.fixture(params=list(peers.KNOWN))
def peer(request):
    for module in peers.KNOWN[request.param].imports:
        pytest.importorskip(module)
    working, missing = peers.find([request.param])
    assert missing == {}
    return working[request.param]


def odd():
    """Return a network with layers that GoogLeNet lacks: groups, a sum, softmax, padding, all kinds of pools."""
    g = mg.Graph(image=(4, 17, 15))
    g.add("conv", layers.Conv2d(4, 6, (3, 5), stride=(1, 2), padding=(1, 2), groups=2, rng=0), "image")
    g.add("relu", layers.ReLU(), "conv")
    g.add(
        "other", layers.Conv2d(6, 6, 1, bias=False, rng=0), "conv"
    )  # a second consumer, so that in-place layers would be wrong
    g.add("sum", layers.Add(), "relu", "other")
    g.add("max", layers.MaxPool2d(3, stride=2, padding=1, ceil_mode=True), "sum")
    g.add("mean", layers.AvgPool2d(3, stride=1, padding=1, count_include_pad=False), "max")
    g.add("mean_pad", layers.AvgPool2d(2, stride=1, padding=1), "mean")
    g.add("global", layers.GlobalAvgPool2d(), "mean_pad")
    g.add("softmax", layers.Softmax(), "global")
    return g


NETWORKS = {
    "mini": lambda: models.mini_googlenet(rng=0),
    "GoogLeNet": lambda: models.googlenet(width=0.25, init="he", rng=0),
    "odd": odd,
}


@pytest.mark.parametrize("name", NETWORKS)
def test_inference_of_another_engine_matches(peer, name):
    graph = NETWORKS[name]()
    for key, value in graph.buffers.items():  # running statistics other than zeros and ones
        value += np.random.default_rng(len(key)).random(value.shape, dtype=np.float32)
    x = settings.images(graph, 2)
    with settings.threads(1, [peer]):
        calls, left_out = peers.build(peer.inference(graph, x, 1))
        assert left_out == {}
        equality.require_equal({"ours": graph(x), **{name: call() for name, call in calls.items()}})


@pytest.fixture
def pytorch():
    pytest.importorskip("torch")
    return peers.find(["torch"])[0]["torch"]


def test_pytorch_training_matches(pytorch):
    graph = models.googlenet(width=0.25, init="he", dropout=False, rng=0)
    with settings.threads(1, [pytorch]):
        training.require_equal_gradients(graph, 2, pytorch)
        built, left_out = peers.build(training.steps(graph, 2, {"torch": pytorch}))
        assert left_out == {}
        assert set(built) == {"minigooglenet", "PyTorch", "PyTorch channels-last"}
        losses = {name: [step() for _ in range(4)] for name, step in built.items()}
    for name in ("PyTorch", "PyTorch channels-last"):
        assert np.allclose(losses[name], losses["minigooglenet"], rtol=1e-3)


def test_pytorch_threads_are_restored(pytorch):
    import torch

    def fail():
        with settings.threads(before + 1, [pytorch]):
            assert torch.get_num_threads() == before + 1
            raise ZeroDivisionError

    before = torch.get_num_threads()
    with pytest.raises(ZeroDivisionError):
        fail()
    assert torch.get_num_threads() == before


def test_pytorch_module_has_the_dilation(pytorch):
    import torch

    layer = layers.Conv2d(4, 6, 3, 2, 3, groups=2, dilation=(2, 3), rng=0)
    x = np.random.default_rng(0).standard_normal((2, 4, 9, 9), dtype=np.float32)
    with torch.no_grad():
        y = pytorch.module(layer)(torch.from_numpy(x)).numpy()
    assert np.allclose(y, layer.forward(x)[0], atol=1e-5)


def test_pytorch_rejects_unsupported_padding(pytorch):
    with pytest.raises(ValueError, match="PyTorch pads both sides equally"):
        pytorch.module(layers.Conv2d(1, 1, 3, padding=((0, 1), (0, 1))))
