"""Networks imported from ONNX files of this package and of other programs compute the same values."""

import io
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx_made import network, node, onnx, random, read, require_as_runtime

import minigooglenet as mg
from minigooglenet import data, layers, models
from minigooglenet.weights.onnx import export, import_graph, model

OWN = {
    "GoogLeNet": lambda: models.googlenet(width=0.25, rng=0, num_classes=7),
    "GoogLeNet of torchvision": lambda: models.googlenet(width=0.25, variant="torchvision", rng=0),
    "GoogLeNet with batch norm": lambda: models.googlenet(width=0.25, norm="batch", aux=False, rng=0),
    "mini": lambda: models.mini_googlenet(aux=True, rng=0, num_classes=7),
    "mini with LRN": lambda: models.mini_googlenet(norm="lrn", rng=0),
    "NIN": lambda: models.nin(rng=0, num_classes=7),
}


@pytest.mark.parametrize("name", OWN)
def test_exported_networks_import_bit_identically(name, tmp_path):
    graph = OWN[name]()
    for key, value in graph.buffers.items():
        value += np.random.default_rng(len(key)).random(value.shape, np.float32)
    export(graph, tmp_path / "net.onnx")
    again, pixels, classes = import_graph(tmp_path / "net.onnx")
    assert (pixels, classes) == (None, None)
    assert again.made_by == graph.made_by
    assert str(again) == str(graph)
    assert [repr(layer) for layer, _ in again.nodes.values()] == [repr(layer) for layer, _ in graph.nodes.values()]
    assert {**again.params, **again.buffers}.keys() == {**graph.params, **graph.buffers}.keys()
    x = random(2, *graph.shapes["image"])
    expected = graph.infer({"image": x})
    for wire, value in again.infer({"image": x}).items():
        assert np.array_equal(value, expected[wire])


def test_imported_network_can_be_trained(tmp_path):
    graph = read(model(models.mini_googlenet(3, norm=None, rng=0, width=0.5)), tmp_path).graph
    logits, tape = graph.forward({"image": random(2, 3, 32, 32)}, train=True)
    _, grads = graph.backward({"loss3/classifier": np.ones_like(logits["loss3/classifier"])}, tape)
    assert grads.keys() == graph.params.keys()
    for key in graph.params:
        graph.params[key] -= 0.1 * grads[key]


def test_pixels_classes_and_model_are_imported(tmp_path):
    graph = models.mini_googlenet(2, in_channels=1, width=0.5, rng=0)
    export(graph, tmp_path / "net.onnx", pixels=data.Pixels((1.5,), (2.5,), "L"), classes=["cat", "dog \u00fc"])
    again, pixels, classes = import_graph(tmp_path / "net.onnx")
    assert again.made_by == ("mini_googlenet", graph.made_by[1])
    assert pixels == data.Pixels((1.5,), (2.5,), "L")
    assert classes == ("cat", "dog \u00fc")


def test_changed_network_imports_without_its_function(tmp_path):
    whole = model(models.mini_googlenet(2, width=0.5, rng=0))
    next(n for n in whole.graph.node if n.op_type == "MaxPool").attribute.append(
        onnx.helper.make_attribute("auto_pad", "VALID")
    )
    assert read(whole, tmp_path).graph.made_by is not None  # the padding was zero before
    whole.graph.node[-1].output[0] = whole.graph.output[0].name = "other"
    assert read(whole, tmp_path).graph.made_by is None


def test_float64_stays_and_float16_becomes_float32(tmp_path):
    graph = mg.Graph(x=(4, 7, 6))
    graph.add("y", layers.Conv2d(4, 3, 3, rng=0), "x")
    again = read(model(graph.astype(np.float64)), tmp_path).graph
    assert again.params["y/weight"].dtype == np.float64
    whole = network([node("Conv", ["x", "w"], ["y"])], arrays={"w": random(3, 4, 3, 3, dtype=np.float16)})
    weight = read(whole, tmp_path).graph.params["y/weight"]
    assert weight.dtype == np.float32
    assert np.array_equal(weight, random(3, 4, 3, 3, dtype=np.float16).astype(np.float32))


def test_automatic_padding_of_a_dilated_convolution_keeps_the_size(tmp_path):
    conv = node("Conv", ["x", "w"], ["y"], auto_pad="SAME_LOWER", strides=[1, 2], dilations=[3, 2])
    layer = read(network([conv], arrays={"w": random(3, 4, 3, 3)}), tmp_path).graph.nodes["y"].layer
    assert layer.padding == ((3, 3), (2, 1))  # ONNX Runtime rejects this node: it is not compared
    assert layer.output_shape((4, 7, 6)) == (3, 7, 3)


W = {"w": random(6, 2, 3, 3), "b": random(6)}
FC = {"a": random(4, 5), "v": random(5)}
FORMS = {  # {description: (nodes, expected layer kinds, arrays, further settings)}
    "a convolution in groups": (
        [node("Conv", ["x", "w", "b"], ["y"], group=2, strides=[2, 1], pads=[0, 1, 2, 3], dilations=[1, 1])],
        "Conv2d", W, {},
    ),
    "a dilated convolution": (
        [node("Conv", ["x", "w", "b"], ["y"], group=2, pads=[0, 1, 2, 3], dilations=[2, 1])],
        "Conv2d", W, {},
    ),
    "a convolution of old": (
        [node("Conv", ["x", "w"], ["y"], group=2, auto_pad="SAME_UPPER", kernel_shape=[3, 3])],
        "Conv2d", W, {"opset": 7, "ir": 3, "also_inputs": ("w", "b")},
    ),
    "pools": (
        [node("MaxPool", ["x"], ["m"], kernel_shape=[3, 2], strides=[2, 2], ceil_mode=1, pads=[1, 0, 0, 1]),
         node("AveragePool", ["m"], ["y"], kernel_shape=[2, 2], pads=[1, 1, 1, 1])],
        "MaxPool2d AvgPool2d", {}, {},
    ),
    "an average that counts its padding": (
        [node("AveragePool", ["x"], ["y"], kernel_shape=[3, 3], pads=[1, 2, 0, 1], count_include_pad=1)],
        "AvgPool2d", {}, {"opset": 11},
    ),
    "a global average, flattened": (
        [node("GlobalAveragePool", ["x"], ["g"]), node("Flatten", ["g"], ["y"], axis=-3)],
        "AvgPool2d Flatten", {}, {"opset": 13},
    ),
    "a global average, reshaped": (
        [node("Constant", [], ["s"], value_ints=[0, -1]), node("GlobalAveragePool", ["x"], ["g"]),
         node("Reshape", ["g", "s"], ["y"])],
        "AvgPool2d Flatten", {}, {},
    ),
    "a map reshaped for one batch": (
        [node("Reshape", ["x", "s"], ["y"])], "Flatten", {"s": np.array([2, 168])}, {"batch": 2},
    ),
    "a global average, squeezed": (
        [node("GlobalAveragePool", ["x"], ["g"]), node("Squeeze", ["g"], ["y"], axes=[2, 3])],
        "AvgPool2d Flatten", {}, {"opset": 11},
    ),
    "a mean over the map": (
        [node("ReduceMean", ["x"], ["y"], axes=[-2, -1], keepdims=0)], "GlobalAvgPool2d", {}, {"opset": 13},
    ),
    "a mean that stays a map": ([node("ReduceMean", ["x", "s"], ["y"])], "AvgPool2d", {"s": np.array([3, 2])}, {}),
    "a product and a sum": (
        [node("MatMul", ["x", "a"], ["p"]), node("Add", ["v", "p"], ["y"])], "Linear", FC, {"shape": (4,)},
    ),
    "a product alone": ([node("MatMul", ["x", "a"], ["y"])], "Linear", FC, {"shape": (4,)}),
    "a linear layer with one number for a bias": (
        [node("Gemm", ["x", "a", "c"], ["y"], alpha=1.0)], "Linear", FC | {"c": np.float32(0.5)}, {"shape": (4,)},
    ),
    "arrays from Constant and Identity nodes": (
        [node("Constant", [], ["c"], value=onnx.numpy_helper.from_array(random(1, 5))), node("Identity", ["c"], ["d"]),
         node("Gemm", ["x", "a", "d"], ["y"])],
        "Linear", FC, {"shape": (4,)},
    ),
    "old batch norm": (
        [node("BatchNormalization", ["x", "b", "b", "b", "s"], ["y"], epsilon=0.1, spatial=1)],
        "BatchNorm2d", {"b": random(4), "s": abs(random(4))}, {"opset": 7},
    ),
    "response norm with its defaults": ([node("LRN", ["x"], ["y"], size=3, alpha=2.0)], "LocalResponseNorm", {}, {}),
    "identity nodes": (
        [node("Identity", ["x"], ["i"]), node("Relu", ["i"], ["r"]), node("Identity", ["r"], ["j"]),
         node("Dropout", ["j"], ["d"], ratio=0.25), node("Identity", ["d"], ["y"])],
        "ReLU Dropout", {}, {"opset": 7},
    ),
    "disabled dropout": (
        [node("Dropout", ["x", "p", "t"], ["y"])], "Dropout", {"p": np.float32(0.4), "t": np.array(False)}, {},
    ),
    "sums and concats": (
        [node("Relu", ["x"], ["r"]), node("Sum", ["x", "r", "x"], ["s"]), node("Add", ["s", "r"], ["t"]),
         node("Concat", ["s", "t"], ["y"], axis=-3)],
        "ReLU Add Add Concat", {}, {},
    ),
    "softmax": ([node("Softmax", ["x"], ["y"], axis=-3)], "Softmax", {}, {}),
    "old softmax": ([node("Softmax", ["x"], ["y"])], "Softmax", {}, {"shape": (9,), "opset": 11}),
    "unneeded nodes": ([node("Relu", ["x"], ["y"]), node("Sin", ["x"], ["z"])], "ReLU", {}, {}),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_operators_of_other_programs_import_correctly(form, tmp_path):
    nodes, kinds, arrays, settings = FORMS[form]
    graph = require_as_runtime(network(nodes, arrays=arrays, **settings), tmp_path)
    assert " ".join(layer.kind for layer, _ in graph.nodes.values()) == kinds
    assert graph.outputs == ("y",)


@given(
    mode=st.sampled_from(["SAME_UPPER", "SAME_LOWER", "VALID"]),
    size=st.tuples(*[st.integers(4, 9)] * 2),
    stride=st.tuples(*[st.integers(1, 4)] * 2),
    more=st.tuples(*[st.integers(0, 2)] * 2),
)
def test_automatic_padding_matches_onnx_runtime(mode, size, stride, more, tmp_path_factory):
    kernel = (
        stride[0] + more[0],
        stride[1] + more[1],
    )  # max pooling in ONNX Runtime fails if the stride exceeds the kernel
    size = tuple(map(max, size, kernel))
    settings = {"auto_pad": mode, "strides": stride}
    nodes = [
        node("Conv", ["x", "w"], ["c"], **settings),
        node("AveragePool", ["x"], ["a"], kernel_shape=kernel, **settings),
        node("MaxPool", ["x"], ["m"], kernel_shape=kernel, **settings),
        node("Concat", ["c", "a", "m"], ["y"], axis=1),
    ]
    whole = network(nodes, (2, *size), {"w": random(3, 2, *kernel)})
    require_as_runtime(whole, tmp_path_factory.mktemp("same"))


def test_float32_settings_import_as_short_decimals(tmp_path):
    nodes = [node("LRN", ["x"], ["a"], size=5, alpha=0.0001, bias=0.1), node("Dropout", ["a", "p"], ["y"])]
    graph = read(network(nodes, arrays={"p": np.float32(0.7)}), tmp_path).graph
    assert graph.nodes["a"].layer.settings() == {"size": 5, "alpha": 1e-4, "beta": 0.75, "k": 0.1}
    assert graph.nodes["y"].layer.p == 0.7


def test_leading_slash_is_removed_without_clashes(tmp_path):
    nodes = [node("Relu", ["x"], ["/a/b"]), node("Relu", ["/a/b"], ["a/b"]), node("Identity", ["a/b"], ["/y"])]
    graph = read(network(nodes, outputs=("/y",)), tmp_path).graph
    assert list(graph.nodes) == ["a/b", "y"]
    assert graph.nodes["y"].wires == ("a/b",)


def test_shared_arrays_import_as_copies(tmp_path):
    whole = network(
        [node("Conv", ["x", "w"], ["c"]), node("Conv", ["c", "w"], ["y"])], arrays={"w": random(4, 4, 1, 1)}
    )
    graph = read(whole, tmp_path).graph
    graph.params["c/weight"][:] = 0
    assert graph.params["y/weight"].any()
    constant = node("Constant", [], ["b"], value_floats=[1.0, 2.0, 3.0, 4.0])
    whole = network([constant, *(node("Conv", [x, "w", "b"], [y]) for x, y in ("xc", "cy"))],
                    arrays={"w": random(4, 4, 1, 1)})  # fmt: skip
    graph = read(whole, tmp_path).graph
    graph.params["c/bias"][:] = 0
    assert graph.params["y/bias"].all()


def test_network_exported_by_pytorch_matches_pytorch(tmp_path):
    torch = pytest.importorskip("torch")

    class Branches(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right = torch.nn.Conv2d(8, 6, 1), torch.nn.Conv2d(8, 5, 3, padding=1, bias=False)
            self.norm = torch.nn.BatchNorm2d(5, eps=1e-3)

        def forward(self, x):
            return torch.cat([torch.relu(self.left(x)), torch.relu(self.norm(self.right(x)))], 1)

    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 5, stride=2, padding=2),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(3, 2, ceil_mode=True),
        Branches(),
        torch.nn.AvgPool2d(2, stride=1, padding=1, count_include_pad=False),
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
        torch.nn.Dropout(0.2),
        torch.nn.Linear(11, 4),
        torch.nn.Softmax(1),
    ).eval()
    net[3].norm.running_mean.uniform_(-1, 1)
    net[3].norm.running_var.uniform_(0.5, 2)
    x = torch.randn(2, 3, 21, 18)
    for folded in (True, False):  # batch norm folded into the convolution, or after it
        file, mode = io.BytesIO(), torch.onnx.TrainingMode
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecation of this exporter
            torch.onnx.export(
                net, x, file, dynamo=False, dynamic_axes={"x": {0: "N"}}, input_names=["x"], output_names=["chances"],
                training=mode.EVAL if folded else mode.PRESERVE, do_constant_folding=folded,
            )  # fmt: skip
        graph = read(file.getvalue(), tmp_path).graph
        assert graph.outputs == ("chances",)
        assert ("BatchNorm2d" in {layer.kind for layer, _ in graph.nodes.values()}) is not folded
        expected = net(x).detach().numpy()
        np.testing.assert_allclose(graph(x.numpy()), expected, rtol=0, atol=1e-5 * expected.max())
