"""The outputs of an ONNX file are imported and exported in order, the main one first."""

import re
from pathlib import Path

import numpy as np
import pytest
from onnx_made import network, node, onnx, random, read

import minigooglenet as mg
from minigooglenet import layers, models
from minigooglenet.weights.contents import WeightsError
from minigooglenet.weights.onnx import export, import_graph, model

W = {"w": random(5, 4), "v": random(5)}


def require_as_runtime(whole, tmp_path, outputs):
    """Check that the graph, its plan and ONNX Runtime agree on every output of the file; return the graph."""
    runtime = pytest.importorskip("onnxruntime")
    graph = read(whole, tmp_path).graph
    x = random(2, *graph.shapes["x"])
    session = runtime.InferenceSession(whole.SerializeToString(), providers=["CPUExecutionProvider"])
    expected = dict(zip(outputs, session.run(None, {"x": x}), strict=True))
    assert graph.outputs == tuple(outputs)
    assert graph.main == outputs[0]
    actual, planned = graph.infer({"x": x}), mg.plan(graph, graph.outputs)(x)
    planned = planned if len(outputs) > 1 else {outputs[0]: planned}
    for values in (actual, planned, {graph.main: graph(x)}, {graph.main: mg.plan(graph)(x)}):
        for wire, value in values.items():
            np.testing.assert_allclose(value, expected[wire], rtol=0, atol=1e-5 * np.abs(expected[wire]).max())
    assert list(actual) == list(outputs)
    return graph


CLASSIFIER = [
    node("GlobalAveragePool", ["x"], ["p"]),
    node("Flatten", ["p"], ["features"]),
    node("Gemm", ["features", "w", "v"], ["logits"], transB=1),
    node("Softmax", ["logits"], ["chances"]),
]


@pytest.mark.parametrize(
    "outputs",
    [("features", "logits"), ("logits", "features"), ("chances", "p", "logits"), ("logits",), ("p", "chances")],
)
def test_outputs_keep_the_order_of_the_file(outputs, tmp_path):
    graph = require_as_runtime(network(CLASSIFIER, arrays=W, outputs=outputs), tmp_path, outputs)
    graph.add("more", layers.ReLU(), graph.main)
    assert graph.outputs == outputs


IDENTITIES = {  # {description: nodes after which outputs share a wire, or an output wire has consumers}
    "an output after an output": ([node("Relu", ["x"], ["r"]), node("Identity", ["r"], ["y"])], ("y", "r")),
    "an output that is an input": ([node("Identity", ["x"], ["y"])], ("y",)),
    "an input among others": ([node("Identity", ["x"], ["i"]), node("Relu", ["i"], ["r"])], ("r", "i")),
    "the input of an identity": ([node("Relu", ["x"], ["r"]), node("Identity", ["r"], ["y"])], ("y",)),
    "two names for one wire": (
        [node("Relu", ["x"], ["r"]), node("Identity", ["r"], ["y"]), node("Identity", ["r"], ["z"])], ("z", "y"),
    ),
    "a wire with another consumer": (
        [node("Relu", ["x"], ["r"]), node("Identity", ["r"], ["y"]),
         node("MaxPool", ["r"], ["m"], kernel_shape=[2, 2])],
        ("y", "m"),
    ),
    "a wire with two other consumers": (
        [node("Relu", ["x"], ["r"]), node("Identity", ["r"], ["y"]), node("Sum", ["r", "y", "r"], ["s"]),
         node("Identity", ["y"], ["z"])],
        ("s", "z", "r", "y"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", IDENTITIES)
def test_identity_outputs_keep_their_names(what, tmp_path):
    nodes, outputs = IDENTITIES[what]
    require_as_runtime(network(nodes, outputs=outputs), tmp_path, outputs)


def test_bias_is_not_added_to_an_output(tmp_path):
    nodes = [node("MatMul", ["x", "a"], ["p"]), node("Add", ["p", "v"], ["y"])]
    arrays = {"a": random(4, 5), "v": random(5)}
    graph = require_as_runtime(network(nodes, (4,), arrays, outputs=("y",)), tmp_path, ("y",))
    assert list(graph.nodes) == ["y"]
    graph = require_as_runtime(network(nodes, (4,), arrays, outputs=("y", "p")), tmp_path, ("y", "p"))
    assert [layer.kind for layer, _ in graph.nodes.values()] == ["Linear", "Scale"]


def test_duplicate_output_is_rejected(tmp_path):
    with pytest.raises(WeightsError, match="it has output 'logits' twice"):
        read(network(CLASSIFIER, arrays=W, outputs=("logits", "logits")), tmp_path)


@pytest.mark.parametrize("outputs", [("x", "y"), ("w", "y")])
def test_output_without_a_node_is_rejected(outputs, tmp_path):
    whole = network([node("Relu", ["x"], ["y"])], arrays={"w": random(3)}, outputs=outputs)
    with pytest.raises(WeightsError, match=f"no node writes its output '{outputs[0]}'"):
        read(whole, tmp_path)


def heads():
    return models.mini_googlenet(4, aux=True, width=0.25, rng=0)


@pytest.mark.parametrize(
    "assigned",
    [
        None,
        ("loss1/classifier", "loss3/classifier"),
        ("inception_3b/output", "loss3/classifier"),
        ("loss3/classifier",),
    ],
)
def test_outputs_of_a_graph_are_restored(assigned, tmp_path):
    graph = heads()
    graph.outputs = assigned
    export(graph, tmp_path / "net.onnx", classes=None if assigned and "output" in assigned[0] else "abcd")
    whole = onnx.load(tmp_path / "net.onnx")
    assert [value.name for value in whole.graph.output] == list(graph.outputs)
    again = import_graph(tmp_path / "net.onnx").graph
    assert (again.assigned_outputs, again.outputs, again.main) == (assigned, graph.outputs, graph.main)
    x = random(2, 3, 32, 32)
    assert np.array_equal(again(x), graph(x))


def test_first_exported_output_is_the_main_one(tmp_path):
    graph = heads()
    features = "inception_3b/output"
    outputs = ("loss3/classifier", features, "loss1/classifier")
    export(graph, tmp_path / "net.onnx", outputs=outputs, classes=("a", "b", "c", "d"))
    again, _, classes = import_graph(tmp_path / "net.onnx")
    assert (again.outputs, classes) == (outputs, ("a", "b", "c", "d"))
    assert graph.assigned_outputs is None
    with pytest.raises(ValueError, match="classes must have 21 names"):
        model(graph, outputs=(features, "loss3/classifier"), classes=("a", "b", "c", "d"))


def test_outputs_changed_by_another_program_are_kept(tmp_path):
    whole = model(heads())
    first, last = whole.graph.output
    first.name, last.name = last.name, first.name
    assert read(whole, tmp_path).graph.assigned_outputs == ("loss3/classifier", "loss1/classifier")


@pytest.mark.parametrize(
    ("outputs", "sentence"),
    [(("logits", "logits"), "outputs must be distinct"), (("x", "logits"), "outputs must be computed wires")],
)
def test_export_rejects_invalid_outputs(outputs, sentence):
    graph = mg.Graph(x=(4,))
    graph.add("logits", layers.Linear(4, 2), "x")
    with pytest.raises(ValueError, match=sentence):
        model(graph, outputs=outputs)
    if outputs[0] == "x":
        graph.outputs = outputs
        with pytest.raises(ValueError, match=sentence):
            model(graph)


def test_examples_of_the_onnx_page_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).parents[2] / "docs" / "onnx.md").read_text(encoding="utf-8")
    names = {}
    for block in re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL):
        exec(block, names)
    assert capsys.readouterr().out.splitlines() == re.findall(r"^print.*  # (.*)$", page, flags=re.MULTILINE)
