"""Rejected ONNX files: lists of unsupported nodes, and one sentence for each corrupt or hostile file."""

import collections
import itertools
import json

import numpy as np
import pytest
from onnx_made import FLOAT, network, node, onnx, random, read

import minigooglenet as mg
from minigooglenet import data, layers
from minigooglenet.weights.contents import WeightsError
from minigooglenet.weights.onnx import import_graph, model


def problems_of(whole, tmp_path):
    """Return the lines of the error for a network."""
    with pytest.raises(WeightsError) as caught:
        read(whole, tmp_path)
    head, *lines = str(caught.value).split("\n  ")
    return head.removeprefix(f"cannot read {tmp_path / 'net.onnx'} as weights: "), lines


def test_missing_operators_are_listed_with_counts(tmp_path):
    nodes = [
        node("Conv", ["x", "w"], ["c"], name="wide", strides=[0, 0]),
        node("Gelu", ["c"], ["s"], name="gate 1"),
        node("Relu", ["s"], ["u"]),
        node("Gelu", ["u"], ["t"], name="gate 2"),
        node("FusedConv", ["t", "w"], ["y"], domain="com.microsoft"),
    ]
    head, lines = problems_of(network(nodes, arrays={"w": random(4, 4, 1, 1)}), tmp_path)
    assert head == "no layer supports 3 of its nodes"
    assert [line.split(". ")[0] for line in lines] == [
        "Gelu (2 nodes, first 'gate 1'): no layer supports this operator",
        "com.microsoft.FusedConv (1 node, 'y'): no layer supports this operator",
    ]


def test_unsupported_nodes_are_listed_with_counts(tmp_path):
    nodes = [
        node("MaxPool", ["x"], ["c"], name="wide", kernel_shape=[2, 2], dilations=[2, 2]),
        node("LRN", ["x"], ["s"], name="norm 1", size=2),
        node("Relu", ["s"], ["u"]),  # its input is unknown because of another node
        node("Add", ["u", "c"], ["r"]),
        node("LRN", ["x"], ["t"], name="norm 2", size=2),
        node("Concat", ["x", "x"], ["v"], name="along", axis=2),
        node("Sum", ["r", "t", "v"], ["y"]),
    ]
    head, lines = problems_of(network(nodes), tmp_path)
    assert head == "no layer supports 4 of its nodes"
    assert [line.partition(",")[0] for line in lines] == [
        "MaxPool (1 node",
        "LRN (2 nodes",
        "Concat (1 node",
    ]
    assert lines[0] == "MaxPool (1 node, 'wide'): attribute dilations is [2, 2]; only [1, 1] is supported"
    assert lines[2] == "Concat (1 node, 'along'): attribute axis is 2; only the channels can be joined"


def test_long_problem_lists_are_truncated(tmp_path):
    nodes = [node(f"Operator{i}", ["x"], [f"t{i}"]) for i in range(50)]
    whole = network([*nodes, node("Sum", [f"t{i}" for i in range(50)], ["y"])])
    with pytest.raises(WeightsError, match=r"(?s)50 of its nodes.*Operator19.*and 30 more$"):
        read(whole, tmp_path)


LACKING = {  # {problem: node}; nodes read the computed x (4, 7, 6) and the arrays of the test below
    "attribute group is|groups must divide": node("Conv", ["x", "w"], ["y"], group=3),
    "attribute kernel_shape is": node("Conv", ["x", "w"], ["y"], kernel_shape=[3, 3]),
    "attribute pads must have 4 values": node("Conv", ["x", "w"], ["y"], pads=[1, 1]),
    "attribute dilations must be at least 1": node("Conv", ["x", "w"], ["y"], dilations=[0, 1]),
    "attribute strides must be at least 1": node("Conv", ["x", "w"], ["y"], strides=[0, 1], auto_pad="SAME_UPPER"),
    "attribute auto_pad is NONSENSE": node("Conv", ["x", "w"], ["y"], auto_pad="NONSENSE"),
    "attribute auto_pad must be a str": node("Conv", ["x", "w"], ["y"], auto_pad=1),
    "padding must be at least 0, got -1": node("Conv", ["x", "w"], ["y"], pads=[-1, 0, 0, 0]),
    "attribute activation is unknown": node("Conv", ["x", "w"], ["y"], activation="Relu"),
    "its weight must be floats with 4 axes, got float32": node("Conv", ["x", "m"], ["y"]),
    "its weight is computed, not constant": node("Conv", ["x", "x"], ["y"]),
    "its weight must be floats with 4 axes, got nothing": node("Conv", ["x"], ["y"]),
    "its weight contains NaN": node("Conv", ["x", "nan"], ["y"]),
    "its bias must have the shape": node("Conv", ["x", "w", "m1"], ["y"]),
    "a pool's padding must be at most": node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], pads=[2, 0, 0, 0]),
    "the kernel is larger than the padded input": node("MaxPool", ["x"], ["y"], kernel_shape=[9, 9]),
    "attribute kernel_shape must have 2 values": node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2, 2]),
    "more than 2,147,483,648 bytes": node(
        "AveragePool", ["x"], ["y"], kernel_shape=[2**40, 1], pads=[2**40 - 1, 0, 2**40 - 1, 0]
    ),
    "attribute size is 4, but must be odd: an even window": node("LRN", ["x"], ["y"], size=4),
    "an attribute is nan": node("LRN", ["x"], ["y"], size=3, alpha=float("nan")),
    "attribute training_mode is 1": node("BatchNormalization", ["x", "n", "n", "n", "n"], ["y"], training_mode=1),
    "its variance has values below 0, the minimum -2 at index 1": node(
        "BatchNormalization", ["x", "n", "n", "n", "minus"], ["y"]
    ),
    "attribute epsilon must be at least 0, got -1.0": node(
        "BatchNormalization", ["x", "n", "n", "n", "n"], ["y"], epsilon=-1.0
    ),
    "attribute is_test is unknown": node("BatchNormalization", ["x", "n", "n", "n", "n"], ["y"], is_test=0),
    "attribute spatial is 0": node("BatchNormalization", ["x", "n", "n", "n", "n"], ["y"], spatial=0),
    r"it reshapes \(N, 4, 7, 6\) to \(0, -1\); the batch axis must stay as it is": node(
        "Reshape", ["x", "flat"], ["y"], allowzero=1
    ),
    r"it reshapes \(N, 4, 7, 6\) to \(-1, -1\)": node("Reshape", ["x", "twice"], ["y"]),
    "its shape must be a list of integers": node("Reshape", ["x", "n"], ["y"]),
    "its shape is computed": node("Reshape", ["x", "x"], ["y"]),
    r"attribute pads is \[1, 1, 1, 1\] next to auto_pad VALID": node(
        "MaxPool", ["x"], ["y"], kernel_shape=[2, 2], pads=[1, 1, 1, 1], auto_pad="VALID"
    ),
    "a kernel of size 1 with stride 3 on 6 values would need a padding of -2": node(
        "Conv", ["x", "w"], ["y"], strides=[1, 3], auto_pad="SAME_LOWER"
    ),
    "a kernel of size 2 with stride 3 on 6 values would need a padding of -1": node(
        "AveragePool", ["x"], ["y"], kernel_shape=[2, 2], strides=[1, 3], auto_pad="SAME_UPPER"
    ),
    "attribute dilations is": node("AveragePool", ["x"], ["y"], kernel_shape=[2, 2], dilations=[2, 1]),
    "attribute transA is 1": node("Gemm", ["x", "m"], ["y"], transA=1),
    r"its input must be a vector for each image, got \(4, 7, 6\)": node("Gemm", ["x", "m", "n"], ["y"]),
    "it reduces the axes": node("ReduceMean", ["x", "i"], ["y"]),
    "attribute axis is 2; only 1 is supported": node("Flatten", ["x"], ["y"], axis=2),
    r"it reshapes \(N, 4, 7, 6\) to \(1, 2\)": node("Reshape", ["x", "i"], ["y"]),
    "it removes the axes": node("Squeeze", ["x", "i"], ["y"]),
    "it normalises over axis 3; only 1 is supported": node("Softmax", ["x"], ["y"]),
    "it also drops values at inference": node("Dropout", ["x", "", "n"], ["y"]),
    r"p must be in \[0, 1\)": node("Dropout", ["x", "two"], ["y"]),
    r"an attribute is 1e\+300": node("Dropout", ["x", "large"], ["y"]),
    r"its constant of shape \(4,\) does not fit \(N, 4, 7, 6\)": node("Add", ["x", "n"], ["y"]),
    "its input 1 is constant": node("Concat", ["x", "w"], ["y"], axis=1),
    "its input 1 is missing": node("Concat", ["x", ""], ["y"], axis=1),
    "it reads 2 wires; expected 1": node("Relu", ["x", "x"], ["y"]),
    "its input 0 is missing": node("Relu", [], ["y"]),
    "its input 0 is missing|missing": node("Identity", [], ["y"]),
    "its input 0 is constant": node("Relu", ["n"], ["y"]),
    "no layer supports this operator. Export the model with fixed sizes": node("If", ["x"], ["y"]),
}


@pytest.mark.parametrize("reason", LACKING)
def test_unsupported_attribute_is_named(reason, tmp_path):
    arrays = {
        "w": random(4, 4, 1, 1),
        "m": random(4, 5),
        "m1": random(3),
        "n": random(4),
        "nan": np.full((4, 4, 1, 1), np.nan, np.float32),
        "i": np.array([1, 2]),
        "two": np.float32(2),
        "flat": np.array([0, -1]),
        "twice": np.array([-1, -1]),
        "minus": np.array([1, -2, 0, 1], np.float32),
        "large": np.float64(1e300),
    }
    with pytest.raises(WeightsError, match=f"{LACKING[reason].op_type} .1 node, 'y'.: .*({reason})"):
        read(network([LACKING[reason]], arrays=arrays), tmp_path)


def test_bias_of_another_length_is_rejected(tmp_path):
    whole = network([node("Gemm", ["x", "m", "n"], ["y"])], (4,), {"m": random(4, 5), "n": random(4)})
    with pytest.raises(WeightsError, match=r"Gemm .1 node, 'y'.: its constant of shape \(4,\) does not fit \(N, 5\)"):
        read(whole, tmp_path)


def test_old_softmax_over_all_axes_is_rejected(tmp_path):
    with pytest.raises(WeightsError, match=r"Softmax .1 node, 'y'.: it normalises over axis 1 and all axes after it"):
        read(network([node("Softmax", ["x"], ["y"])], opset=11), tmp_path)


def test_mask_output_of_a_dropout_is_rejected(tmp_path):
    whole = network([node("Dropout", ["x"], ["d", "mask"]), node("Concat", ["d", "mask"], ["y"], axis=1)])
    with pytest.raises(WeightsError, match=r"Dropout .1 node, 'd'.: its output 2, 'mask', is also used, but a layer"):
        read(whole, tmp_path)


def relu():
    return network([node("Relu", ["x"], ["y"])])


def conv():
    return network([node("Conv", ["x", "w"], ["y"])], arrays={"w": random(3, 4, 3, 3)})


def changed(whole, change):
    change(whole)
    return whole


def elsewhere(whole):
    """Move the array to another file, which exists."""
    tensor = whole.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=__file__)


def with_shape(*dims):
    def change(whole):
        whole.graph.initializer[0].dims[:] = dims

    return change


def with_input(kind, *dims):
    def change(whole):
        whole.graph.input[0].CopyFrom(onnx.helper.make_tensor_value_info("x", kind, dims))

    return change


def with_property(key, value):
    return changed(relu(), lambda whole: whole.metadata_props.add(key=key, value=value))


def not_text(whole):
    return whole.SerializeToString().replace(b"\x01x", b"\x01\xff")


HOSTILE = {
    "no bytes": (lambda: b"", "the file is empty"),
    "random bytes": (lambda: np.random.default_rng(0).bytes(5000), "it is not an ONNX file, or it is corrupt"),
    "text": (lambda: b"Once upon a time there was a network.", "it is not an ONNX file, or it is corrupt"),
    "half a file": (lambda: conv().SerializeToString()[:200], "it is not an ONNX file, or it is corrupt"),
    "no network": (lambda: changed(relu(), lambda m: m.ClearField("graph")), "it contains no ONNX network"),
    "no opset": (lambda: changed(relu(), lambda m: m.ClearField("opset_import")), "it contains no ONNX network"),
    "an old opset": (lambda: network([node("Relu", ["x"], ["y"])], opset=6), "its opset is 6; supported are 7 to 28"),
    "a new opset": (lambda: network([node("Relu", ["x"], ["y"])], opset=99), "its opset is 99; supported are 7 to 28"),
    "a name that is not text": (lambda: not_text(relu()), "it has a name that is not text"),
    "two opsets": (
        lambda: changed(relu(), lambda m: m.opset_import.add(domain="ai.onnx", version=9)),
        "it declares the opsets 9 and 22; only one is possible",
    ),
    "an array twice": (
        lambda: changed(conv(), lambda m: m.graph.initializer.append(m.graph.initializer[0])), "it has array 'w' twice",
    ),
    "an input twice": (
        lambda: changed(relu(), lambda m: m.graph.input.append(m.graph.input[0])), "it has input 'x' twice",
    ),
    "inputs of two batch sizes": (
        lambda: changed(
            network([node("Sum", ["x", "z"], ["y"])], batch=1),
            lambda m: m.graph.input.append(onnx.helper.make_tensor_value_info("z", FLOAT, [2, 4, 7, 6])),
        ),
        "its inputs have different batch sizes, 1 and 2",
    ),
    "a first output that is left out": (
        lambda: network([node("MaxPool", ["x"], ["", "y"], name="pool", kernel_shape=[2, 2])]),
        "MaxPool .node 'pool'.: its first output is missing",
    ),
    "functions": (lambda: changed(relu(), lambda m: m.functions.add(name="f")), "defines functions .f.. Inline them"),
    "sparse arrays": (lambda: changed(relu(), lambda m: m.graph.sparse_initializer.add()), "it has sparse arrays"),
    "another file's array": (lambda: changed(conv(), elsewhere), "array 'w' is in another file, and only this file"),
    "a shape of too many numbers": (
        lambda: changed(conv(), with_shape(10**6, 10**6)),
        "1,000,000,000,000 values so far, more than 268,435,456",
    ),
    "a negative shape": (lambda: changed(conv(), with_shape(-3, -36)), r"declares the invalid shape \(-3, -36\)"),
    "a shape of a hundred axes": (lambda: changed(conv(), with_shape(*[1] * 100)), "declares the invalid"),
    "half an array": (lambda: changed(conv(), lambda m: setattr(m.graph.initializer[0], "raw_data", b"123")), "0.75"),
    "numbers of 8 bits": (
        lambda: network([node("Conv", ["x", "w"], ["y"])], arrays={"w": np.ones((3, 4, 1, 1), np.int8)}),
        "its weight must be floats with 4 axes, got int8",
    ),
    "an unreadable dtype": (
        lambda: changed(conv(), lambda m: setattr(m.graph.initializer[0], "data_type", onnx.TensorProto.FLOAT8E4M3FN)),
        "array 'w' has dtype FLOAT8E4M3FN; readable are FLOAT, DOUBLE",
    ),
    "integer weights": (
        lambda: network([node("Conv", ["x", "w"], ["y"])], arrays={"w": np.ones((3, 4, 1, 1), np.int64)}),
        "its weight must be floats with 4 axes, got int64",
    ),
    "a wrong number of channels": (lambda: changed(conv(), with_input(FLOAT, "N", 5, 7, 6)), "Conv .1 node, 'y'.: .*5"),
    "an input of bytes": (
        lambda: changed(relu(), with_input(onnx.TensorProto.UINT8, "N", 4)),
        "input 'x' has dtype UINT8; only floats are supported",
    ),
    "an input of any size": (
        lambda: changed(relu(), with_input(FLOAT, "N", 3, "height", "width")),
        r"input 'x' has the shape \(N, 3, height, width\), but every size after the batch axis must be fixed",
    ),
    "an input without axes": (lambda: changed(relu(), with_input(FLOAT)), r"input 'x' has the shape \(\)"),
    "a huge input": (lambda: changed(relu(), with_input(FLOAT, "N", 10**9, 10**9)), "input 'x' declares the shape"),
    "a missing input": (lambda: network([node("Sum", ["x", "z"], ["y"])]), "reads 'z', which no earlier node"),
    "a circle": (
        lambda: network([node("Sum", ["x", "b"], ["a"], name="first"), node("Relu", ["a"], ["b"]),
                         node("Relu", ["b"], ["y"])]),
        "node 'first' reads 'b', which no earlier node writes",
    ),
    "an output without a node": (lambda: network([node("Relu", ["x"], ["z"])]), "no node writes its output 'y'"),
    "no outputs": (lambda: network([node("Relu", ["x"], ["y"])], outputs=()), "no node writes its output"),
    "a name for two": (lambda: network([node("Relu", ["x"], ["y"])] * 2), "'y' is written twice"),
    "an input that is written": (lambda: network([node("Relu", ["x"], ["x"])], outputs=["x"]), "'x' is written"),
    "a constant for an output": (
        lambda: network([node("Constant", [], ["y"], value_float=1.0)]),
        "its output 'y' is constant",
    ),
    "a constant of two kinds": (
        lambda: network([node("Constant", [], ["c"], value_float=1.0, value_int=1), node("Sum", ["x", "c"], ["y"])]),
        "Constant .1 node, 'c'.: it must have one attribute, got 2",
    ),
    "ten thousand and one nodes": (
        lambda: network([node("Relu", ["x"], [f"t{i}"]) for i in range(10_001)]),
        "it has 10,001 nodes, more than 10,000",
    ),
    "too many inputs of a node": (lambda: network([node("Sum", ["x"] * 1001, ["y"])]), "has 1,001 inputs"),
    "growth without end": (
        lambda: network([node("Concat", [f"t{i}" if i else "x"] * 100, [f"t{i + 1}"], axis=1) for i in range(9)],
                        outputs=["t9"]),
        r"Concat .1 node, 't4'.: its output has the shape .400000000, 7, 6., more than",
    ),
    "pixels that are not JSON": (lambda: with_property("pixels", "{"), "its property 'pixels' is not JSON: '{'"),
    "pixels that are deep": (lambda: with_property("pixels", "[" * 10**5), "its property 'pixels' is not JSON"),
    "pixels of another kind": (lambda: with_property("pixels", "[1]"), "must be a dict, got list"),
    "pixels for other channels": (lambda: with_property("pixels", "{}"), "RGB has 3 channels, but the network"),
    "pixels that are impossible": (lambda: with_property("pixels", '{"std": [0, 1, 1]}'), "'pixels' is invalid"),
    "pixels beyond floats": (
        lambda: with_property("pixels", '{"mean": [1' + "0" * 400 + ", 1, 1]}"),
        "its property 'pixels' is invalid",
    ),
    "too few classes": (lambda: with_property("classes", '["a"]'), "classes must have 4 names, one per output, got 1"),
    "classes that are numbers": (lambda: with_property("classes", json.dumps([1, 2, 3, 4])), "must have 4 names"),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_corrupt_or_hostile_onnx_file_is_rejected(what, tmp_path):
    build, sentence = HOSTILE[what]
    with pytest.raises(WeightsError, match=f"(?s)^cannot read .*net.onnx as weights: .*{sentence}"):
        read(build(), tmp_path)


def test_folders_and_missing_files_are_rejected(tmp_path):
    with pytest.raises(WeightsError, match="it is a folder"):
        import_graph(tmp_path)
    with pytest.raises(WeightsError, match="no such file"):
        import_graph(tmp_path / "none.onnx")


def test_array_with_many_consumers_is_limited(tmp_path, monkeypatch):
    monkeypatch.setattr("minigooglenet.weights.contents.MOST_BYTES", 10_000)
    names = ["x", *(f"t{i}" for i in range(30)), "y"]
    nodes = [node("Conv", [a, "w"], [b]) for a, b in itertools.pairwise(names)]
    with pytest.raises(WeightsError, match="its nodes read more than 10,000 bytes of arrays"):
        read(network(nodes, (10, 1, 1), {"w": random(10, 10, 1, 1)}), tmp_path)


def test_mutated_onnx_file_is_read_or_rejected(tmp_path):
    graph = mg.Graph(image=(3, 8, 8))
    graph.add("conv", layers.Conv2d(3, 4, 3, rng=0), "image")
    graph.add("norm", layers.BatchNorm2d(4), "conv")
    graph.add("pool", layers.MaxPool2d(3, stride=2, ceil_mode=True), "norm")
    graph.add("mean", layers.GlobalAvgPool2d(), graph.add("lrn", layers.LocalResponseNorm(), "pool"))
    graph.add("logits", layers.Linear(4, 2, rng=0), graph.add("drop", layers.Dropout(), "mean"))
    whole = model(graph, pixels=data.Pixels(), classes=("a", "b")).SerializeToString()
    rng = np.random.default_rng(0)
    outcomes, sentences = collections.Counter(), set()
    for trial in range(2000):
        bytes_ = bytearray(whole)
        if trial % 3 == 0:
            del bytes_[rng.integers(len(bytes_)) :]
        for _ in range(trial % 3):
            bytes_[rng.integers(len(bytes_))] ^= 1 << rng.integers(8)
        try:
            read(bytes(bytes_), tmp_path)
        except WeightsError as error:
            outcomes["rejected"] += 1
            sentences.add(str(error))
        else:
            outcomes["read"] += 1
    assert min(outcomes["rejected"], outcomes["read"]) > 300
    assert all(text.startswith(f"cannot read {tmp_path / 'net.onnx'} as weights: ") for text in sentences)
    assert max(map(len, sentences)) < 2000
