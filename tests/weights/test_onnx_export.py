"""Exported ONNX networks: other engines compute the same, and names, shapes and settings are kept."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import minigooglenet as mg
from minigooglenet import data, layers, models
from minigooglenet.weights.onnx import export, model, writing

onnx = pytest.importorskip("onnx")


def random_arrays(graph, outputs=None, seed=0):
    """Fill the nodes that `outputs` need with random parameters that preserve the scale, and return the graph."""
    rng = np.random.default_rng(seed)
    for name, _ in graph.schedule(outputs):
        layer = graph.nodes[name].layer
        for key, value in {**layer.params, **layer.buffers}.items():
            fan_in = value[0].size if value.ndim > 1 else 0
            values = rng.standard_normal(value.shape) * (np.sqrt(2 / fan_in) if fan_in else 0.1)
            value[...] = 1 + abs(values) if key == "running_var" or (key == "weight" and not fan_in) else values
    return graph


def images(graph, count=2):
    rng = np.random.default_rng(1)
    return {name: rng.standard_normal((count, *shape), np.float32) for name, shape in graph.inputs.items()}


def run(whole, inputs):
    """Return {output: array} from ONNX Runtime."""
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(whole.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_outputs()]
    return dict(zip(names, session.run(None, inputs), strict=True))


def require_same(actual, expected, tolerance=1e-5):
    assert list(actual) == list(expected)
    for wire, value in expected.items():
        assert actual[wire].shape == value.shape
        assert np.abs(value).max() > 0
        np.testing.assert_allclose(actual[wire], value, rtol=0, atol=tolerance * np.abs(value).max(), err_msg=wire)


def odd():
    """Return a network with features that the models lack: unequal padding, groups, sums, probability maps."""
    g = mg.Graph(image=(4, 17, 15), other=(6, 6, 8))
    g.add("conv", layers.Conv2d(4, 6, (3, 5), stride=(3, 2), padding=((0, 1), (4, 1)), groups=2), "image")
    g.add("atrous", layers.Conv2d(4, 6, 3, (3, 2), ((1, 0), (2, 4)), dilation=(1, 3)), "image")
    g.add("sum", layers.Add(), "conv", "other", "conv", "atrous")
    g.add("max", layers.MaxPool2d(3, stride=2, padding=((1, 0), (2, 1)), ceil_mode=True), "sum")
    g.add("lrn", layers.LocalResponseNorm(3, alpha=0.7, beta=0.6, k=1.5), "max")
    g.add("mean", layers.AvgPool2d(3, stride=1, padding=((0, 2), (1, 0)), count_include_pad=False), "lrn")
    g.add("probabilities", layers.Softmax(), "mean")
    g.add("norm", layers.BatchNorm2d(6, eps=0.01, momentum=0.3), "mean")
    g.add("global", layers.GlobalAvgPool2d(), "norm")
    g.add("logits", layers.Linear(6, 4, bias=False), "global")
    g.add("joined", layers.Concat(), "logits", "global")
    g.add("dropped", layers.Dropout(0.3), "joined")
    g.add("chances", layers.Softmax(), "dropped")
    return g


NETWORKS = {  # {name: (network, requested wires)}
    "GoogLeNet": (lambda: models.googlenet(width=0.5, init="zeros"), None),
    "GoogLeNet without heads": (lambda: models.googlenet(aux=False, init="zeros"), None),
    "GoogLeNet with batch norm": (lambda: models.googlenet(norm="batch", width=0.5, init="zeros"), None),
    "GoogLeNet of torchvision": (lambda: models.googlenet(variant="torchvision", width=0.5, init="zeros"), None),
    "mini with a head": (lambda: models.mini_googlenet(aux=True, init="zeros"), None),
    "mini with LRN": (lambda: models.mini_googlenet(norm="lrn", init="zeros"), None),
    # After these wires there are only linear layers of hundreds of megabytes, which need no further test.
    "AlexNet": (lambda: models.alexnet(init="zeros"), ("pool5",)),
    "AlexNet in two groups": (lambda: models.alexnet(2, init="zeros"), ("pool5",)),
    "VGG-16": (lambda: models.vgg16(init="zeros"), ("pool4",)),
    "NIN": (lambda: models.nin(init="zeros"), None),
    "odd": (odd, None),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_onnx_runtime_matches_the_exported_network(name):
    build, outputs = NETWORKS[name]
    graph = random_arrays(build(), outputs)
    inputs = images(graph, 1 if name == "VGG-16" else 2)
    require_same(run(model(graph, outputs=outputs), inputs), graph.infer(inputs, outputs))


@pytest.mark.parametrize("name", NETWORKS)
def test_onnx_checker_accepts_names_and_shapes(name):
    build, outputs = NETWORKS[name]
    graph = build()
    whole = model(graph, outputs=outputs)
    schedule = [node for node, _ in graph.schedule(outputs)]
    assert [node.name for node in whole.graph.node] == schedule
    assert [list(node.output) for node in whole.graph.node] == [[node] for node in schedule]
    assert all(tuple(node.input[: len(graph.nodes[node.name].wires)]) == graph.nodes[node.name].wires
               for node in whole.graph.node)  # fmt: skip
    arrays = {array.name for array in whole.graph.initializer}
    assert {key for key in (*graph.params, *graph.buffers) if key.rpartition("/")[0] in schedule} <= arrays

    onnx.checker.check_model(whole, full_check=True)  # with the declared shapes
    declared = {value.name: value for value in whole.graph.value_info}
    assert set(declared) == set(schedule) - {value.name for value in whole.graph.output}
    del whole.graph.value_info[:]
    inferred = onnx.shape_inference.infer_shapes(whole, check_type=True, strict_mode=True, data_prop=True).graph
    shapes = {
        value.name: tuple(dim.dim_value or dim.dim_param for dim in value.type.tensor_type.shape.dim)
        for values in (inferred.input, inferred.value_info, inferred.output)
        for value in values
    }
    values = [*whole.graph.input, *declared.values(), *whole.graph.output]
    assert shapes == {value.name: ("N", *graph.shapes[value.name]) for value in values}


@given(choices=st.data())
def test_exported_pools_match_onnx_runtime(choices):
    def draw(least, most):
        return choices.draw(st.integers(least, most))

    kernel = draw(1, 4), draw(1, 4)
    settings = {
        "stride": (draw(1, 4), draw(1, 4)),
        "padding": tuple((draw(0, length - 1), draw(0, length - 1)) for length in kernel),
        "ceil_mode": choices.draw(st.booleans()),
    }
    graph = mg.Graph(image=(2, draw(1, 8), draw(1, 8)))
    try:
        graph.add("max", layers.MaxPool2d(kernel, **settings), "image")
        graph.add("mean", layers.AvgPool2d(kernel, **settings, count_include_pad=choices.draw(st.booleans())), "image")
    except ValueError:
        assume(False)  # no window fits the input
    whole = model(graph)
    onnx.checker.check_model(whole, full_check=True)
    require_same(run(whole, images(graph)), graph.infer(images(graph)))


def test_exported_file_records_its_metadata(tmp_path):
    graph = models.mini_googlenet(3, in_channels=1, init="zeros")
    export(graph, tmp_path / "net.onnx", pixels=data.GREY_UNIT, classes=("a", "b", "c"))
    whole = onnx.load(tmp_path / "net.onnx")
    assert (whole.producer_name, whole.graph.name) == ("minigooglenet", "mini_googlenet")
    assert whole.producer_version
    assert whole.graph.doc_string == repr(graph)
    for node in whole.graph.node:
        assert node.doc_string == repr(graph.nodes[node.name].layer)
    properties = {entry.key: entry.value for entry in whole.metadata_props}
    assert set(properties) == {"model", "arguments", "nodes", "pixels", "classes"}
    assert properties["pixels"] == '{"mean": [127.5], "std": [127.5], "colours": "L"}'
    assert properties["classes"] == '["a", "b", "c"]'
    assert properties["model"] == '"mini_googlenet"'


def test_export_writes_only_needed_nodes():
    graph = models.googlenet(width=0.125, init="zeros")
    whole = model(graph, outputs="loss1/classifier", batch=3)
    assert [value.name for value in whole.graph.output] == ["loss1/classifier"]
    assert "inception_4b/1x1" not in {node.name for node in whole.graph.node}
    assert whole.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 3
    assert "inception_4b/1x1/weight" not in {array.name for array in whole.graph.initializer}


def test_export_omits_unused_inputs():
    graph = mg.Graph(image=(3,), spare=(2,))
    graph.add("relu", layers.ReLU(), "image")
    whole = model(graph)
    assert [[value.name for value in values] for values in (whole.graph.input, whole.graph.output)] == [
        ["image"],
        ["relu"],
    ]


def test_float64_network_exports_as_float64():
    from onnx.reference import ReferenceEvaluator

    graph = mg.Graph(image=(3, 7, 6))
    graph.add("conv", layers.Conv2d(3, 5, 3, stride=2, padding=((1, 0), (2, 1))), "image")
    graph.add(
        "norm", layers.BatchNorm2d(5, eps=0.01), "conv"
    )  # no LRN: the reference evaluator confuses images and channels
    graph.add("global", layers.GlobalAvgPool2d(), "norm")
    graph.add("logits", layers.Linear(5, 4), graph.add("dropped", layers.Dropout(), "global"))
    graph = random_arrays(graph).astype(np.float64)
    inputs = {name: x.astype(np.float64) for name, x in images(graph).items()}
    whole = model(graph)
    onnx.checker.check_model(whole, full_check=True)
    (logits,) = ReferenceEvaluator(whole).run(None, inputs)
    assert logits.dtype == np.float64
    require_same({"logits": logits}, graph.infer(inputs), 1e-7)  # ONNX settings are float32


class Own(layers.ReLU):
    def forward(self, x, train=False):
        return np.maximum(x, 0), None


def test_equivalent_subclass_exports_as_its_base_class():
    graph = mg.Graph(x=(3,))
    graph.add("mine", Own(), "x")
    assert model(graph).graph.node[0].op_type == "Relu"


class ReLU:  # not a layer of this package, despite its name
    params = buffers = {}  # noqa: RUF012

    def output_shape(self, shape):
        return shape


def one(layer, shape=(4, 6, 6)):
    graph = mg.Graph(image=shape)
    graph.add("a node", layer, "image")
    return graph


def too_large():
    graph = one(layers.Linear(1, 1), (1,))
    layer = graph.nodes["a node"].layer
    layer.params["weight"] = np.broadcast_to(np.float32(0), (2**15, 2**14))
    return graph


REFUSED = {
    "an even window": (
        lambda: one(layers.LocalResponseNorm(4)),
        "node 'a node': size must be odd, got 4: an even window extends one",
    ),
    "a foreign layer": (lambda: one(ReLU()), "node 'a node': no ONNX operator is registered for ReLU. Register one"),
    "complex numbers": (lambda: one(layers.Conv2d(4, 1, 1)).astype(np.complex128), "do not support complex numbers"),
    "nothing": (lambda: mg.Graph(image=(3, 4, 4)), "outputs must be computed wires, not inputs"),
    "more than protobuf holds": (too_large, "an ONNX file has at most 2 GB, .* take 2,147,483,652 bytes"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_failed_export_keeps_the_old_file(what, tmp_path):
    build, sentence = REFUSED[what]
    path = tmp_path / "net.onnx"
    path.write_text("old")
    with pytest.raises(ValueError, match=sentence):
        export(build(), path)
    assert [file.name for file in tmp_path.iterdir()] == ["net.onnx"]
    assert path.read_text() == "old"


def test_export_rejects_wrong_arguments(tmp_path):
    graph = one(layers.ReLU())
    with pytest.raises(ValueError, match=r"unknown wire 'a nod'\. Did you mean 'a node'"):
        model(graph, outputs=["a nod"])
    with pytest.raises(ValueError, match="outputs must be computed wires"):
        model(graph, outputs=["image"])
    with pytest.raises(ValueError, match="classes must have 4 names, one per output, got 2"):
        model(graph, classes=("a", "b"))
    with pytest.raises(OSError, match="does not exist"):
        export(graph, tmp_path / "none" / "net.onnx")


def test_opset_is_the_last_with_changed_operators():
    operators = {node.op_type for node in model(odd()).graph.node} | {"Flatten", "Relu"}
    since = {name: onnx.defs.get_schema(name, writing.OPSET).since_version for name in operators}
    assert max(since.values()) == writing.OPSET


def test_onnx_package_is_imported_only_when_needed(monkeypatch):
    code = "import minigooglenet.weights.onnx, sys; sys.exit('onnx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ModuleNotFoundError, match="reading and writing ONNX files needs onnx"):
        model(one(layers.ReLU()))
