"""Names in ONNX files: every valid graph name reloads, and names of other programs are imported."""

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from onnx_made import network, node, random, read

import minigooglenet as mg
from minigooglenet import layers
from minigooglenet.weights.onnx import model

NAMES = [
    "\t", "/", " ", "//", "/a", "a/", "a//b", ".", "..", "../y", "\x00", "a\x00b", "\n", "\r\n", "\x1b[31m", "\x7f",
    "\x85", "\u2028", "\ufeff", "\u00fc", "u\u0308", "\U0001f600", "x:0;y:0", "a\\b", "'\"", "con", "y" * 5000,
]  # fmt: skip


def built(first, second, entry="image"):
    g = mg.Graph(**{entry: (4, 3, 3)})
    g.add(first, layers.Conv2d(4, 4, 1, rng=0), entry)
    g.add(second, layers.BatchNorm2d(4), first)
    g.add("joined", layers.Concat(), first, second)
    g.outputs = [second, "joined"]
    return g


def require_back(graph, tmp_path):
    again = read(model(graph), tmp_path).graph
    assert again.inputs == graph.inputs
    assert list(again.nodes) == list(graph.nodes)
    assert [wires for _, wires in again.nodes.values()] == [wires for _, wires in graph.nodes.values()]
    assert again.params.keys() == graph.params.keys()
    assert again.outputs == graph.outputs
    x = random(2, 4, 3, 3)
    assert np.array_equal(again(x), graph(x))


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_unusual_names_are_imported(name, tmp_path):
    require_back(built(name, f"{name}_"), tmp_path)
    require_back(built("a", f"/{name}", entry=name), tmp_path)


@given(
    names=st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=9), min_size=3, max_size=3, unique=True)
)
@example(names=["a", "/a", "//a"])
@example(names=["a_", "a", "a__"])
@example(names=["a", "a/weight", "a/weight_"])
def test_every_valid_name_is_imported(names, tmp_path_factory):
    assume("joined" not in names)
    require_back(built(*names), tmp_path_factory.mktemp("names"))


@pytest.mark.parametrize(
    ("tensor", "name"),
    [
        (";".join(["model/inception_3a/batch_norm/FusedBatchNormV3;model/inception_3a/conv2d/Conv2D"] * 3), None),
        ("x:0;y:0", None),
        ("/features/conv/Conv_output_0", "features/conv/Conv_output_0"),
        ("/", "/"),
        ("///", "///"),
        ("\t", None),
        ("../y", None),
    ],
)
def test_names_of_other_programs_are_imported(tensor, name, tmp_path):
    whole = network([node("Conv", ["x", "w"], [tensor])], arrays={"w": random(3, 4, 1, 1)}, outputs=(tensor,))
    graph = read(whole, tmp_path).graph
    assert graph.outputs == (name or tensor,)
    assert list(graph.params) == [f"{name or tensor}/weight"]


def test_output_names_take_precedence(tmp_path):
    nodes = [node("Relu", ["x"], ["/y"]), node("Relu", ["/y"], ["y_"]), node("Relu", ["y_"], ["y"])]
    graph = read(network(nodes, outputs=("y", "/y")), tmp_path).graph
    assert graph.outputs == ("y", "y_")
    graph = read(network(nodes, outputs=("y",)), tmp_path).graph
    assert (graph.outputs, len(graph.nodes)) == (("y",), 3)


def test_long_names_are_truncated_in_errors(tmp_path):
    whole = network([node("Gelu", ["x"], ["y" * 10_000])], outputs=("y" * 10_000,))
    with pytest.raises(ValueError, match=r"Gelu \(1 node, 'y{60}'\): no layer supports this operator\. "):
        read(whole, tmp_path)
