"""Other engines: which ones are installed, and that their results equal ours."""

import shutil
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
    assert set(missing) == {"torch", "onnxruntime", "openvino"}  # without the compiled PyTorch, which takes minutes
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
    expected = "unknown engine 'jax'; choose from torch, torch-compile, onnxruntime, openvino, none"
    with pytest.raises(ValueError, match=expected):
        peers.names("jax")


@pytest.fixture(params=peers.usual())
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


def excited():
    """Return a network with the layers of later networks, among them gates."""
    g = mg.Graph(image=(4, 13, 12))
    g.add("pad", layers.Pad(((0, 1), (2, 0)), 0.5), "image")
    g.add("conv", layers.Conv2d(4, 8, 3, rng=0), "pad")
    g.add("relu6", layers.ReLU6(), "conv")
    g.add("shuffle", layers.ChannelShuffle(2), "relu6")
    for half, (start, stop) in {"first": (0, 3), "second": (3, 8)}.items():
        g.add(half, layers.ChannelSlice(start, stop), "shuffle")
    g.add("joined", layers.Concat(), "second", "first")
    g.add("scale", layers.Scale(8, init=0.7), "joined")
    g.add("squeeze", layers.GlobalAvgPool2d(), "scale")
    g.add("gates", layers.Sigmoid(), "squeeze")
    g.add("excited", layers.Multiply(), "scale", "gates")
    g.add("hard_swish", layers.HardSwish(), "excited")
    g.add("silu", layers.SiLU(), "hard_swish")
    g.add("constant", layers.Scale(8, init=0.17, bias=False, trained=False), "silu")
    g.add("sum", layers.Add(), "constant", "scale")
    g.add("leaky", layers.LeakyReLU(0.2), "sum")
    g.add("clip", layers.Clip(-0.5, None), "leaky")
    g.add("tanh", layers.Tanh(), "clip")
    g.add("max", layers.GlobalMaxPool2d(), "tanh")
    return g


NETWORKS = {
    "mini": lambda: models.mini_googlenet(rng=0),
    "GoogLeNet": lambda: models.googlenet(width=0.25, init="he", rng=0),
    "odd": odd,
    "excited": excited,
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


@pytest.mark.filterwarnings("ignore")  # PyTorch's compiler uses functions that PyTorch deprecates
def test_compiled_pytorch_matches():
    pytest.importorskip("torch")
    if not shutil.which("c++"):
        pytest.skip("torch.compile needs a C++ compiler")
    compiled, graph = peers.find(["torch-compile"])[0]["torch-compile"], odd()
    x, labels = settings.images(graph, 2), np.array([1, 3])
    with settings.threads(1, [compiled]):
        calls, left_out = peers.build(compiled.inference(graph, x, 1))
        equality.require_equal({"ours": graph(x), **{name: call() for name, call in calls.items()}})
        steps, failed = peers.build(compiled.training(graph, x, labels, {"softmax": 1.0}, 1e-3, 0.9))
        assert left_out == failed == {}
        losses = [step() for step in steps.values()]
    assert list(calls) == list(steps) == ["compiled PyTorch", "compiled PyTorch channels-last"]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


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


def test_pytorch_pools_reject_unsupported_padding(pytorch):
    with pytest.raises(ValueError, match="PyTorch pads both sides equally"):
        pytorch.module(layers.MaxPool2d(3, padding=((0, 1), (0, 1))))


@pytest.mark.parametrize("padding", [1, ((0, 1), (2, 1))])
def test_pytorch_convolutions_have_every_setting(pytorch, padding):
    layer = layers.Conv2d(4, 6, 3, stride=2, padding=padding, groups=2, dilation=(2, 3), rng=0)
    x = np.random.default_rng(0).standard_normal((2, 4, 9, 10), dtype=np.float32)
    y = pytorch.module(layer)(pytorch.torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(y, layer.forward(x)[0], atol=1e-5)


def test_pytorch_clips_equal_ours(pytorch):
    x = np.linspace(-9, 9, 24, dtype=np.float32).reshape(1, 2, 3, 4)
    for layer in (layers.ReLU6(), layers.Clip(-1, 2)):
        assert (pytorch.module(layer)(pytorch.torch.from_numpy(x)).numpy() == layer.forward(x)[0]).all()
