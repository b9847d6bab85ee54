"""Files of ONNX that cannot be read: the list of what no layer does, and a sentence for every broken or hostile one."""

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


def test_everything_that_is_missing_is_listed_with_how_often_and_where_first(tmp_path):
    nodes = [
        node("Conv", ["x", "w"], ["c"], name="wide", dilations=[2, 2]),
        node("Sigmoid", ["c"], ["s"], name="gate 1"),
        node("Relu", ["s"], ["u"]),  # nothing is known of its input, and that is not its fault
        node("Add", ["u", "w"], ["r"]),
        node("Sigmoid", ["r"], ["t"], name="gate 2"),
        node("FusedConv", ["t", "w"], ["f"], domain="com.microsoft"),
        node("Concat", ["f", "t"], ["y"], name="along", axis=2),
    ]
    whole = network(nodes, arrays={"w": random(4, 4, 1, 1)})
    with pytest.raises(WeightsError) as caught:
        read(whole, tmp_path)
    head, *lines = str(caught.value).split("\n  ")
    assert head == (
        f"cannot read {tmp_path / 'net.onnx'} as weights: this engine has no layer that does what 5 of its nodes do"
    )
    assert lines == [
        "Conv (1 node, 'wide'): attribute dilations is [2, 2], not [1, 1]",
        "Sigmoid (2 nodes, first 'gate 1'): there is no layer for it",
        "com.microsoft.FusedConv (1 node, 'f'): there is no layer for it",
        "Concat (1 node, 'along'): attribute axis is 2, not 1",
    ]


def test_a_long_list_is_cut(tmp_path):
    nodes = [node(f"Operator{i}", ["x"], [f"t{i}"]) for i in range(50)]
    whole = network([*nodes, node("Sum", [f"t{i}" for i in range(50)], ["y"])])
    with pytest.raises(WeightsError, match=r"(?s)50 of its nodes.*Operator19.*and 30 more$"):
        read(whole, tmp_path)


LACKING = {  # what a node lacks -> the node, which reads the computed x (4, 7, 6) and the arrays of the test below
    "attribute group is|groups must divide": node("Conv", ["x", "w"], ["y"], group=3),
    "attribute kernel_shape is": node("Conv", ["x", "w"], ["y"], kernel_shape=[3, 3]),
    "attribute pads should hold 4 numbers": node("Conv", ["x", "w"], ["y"], pads=[1, 1]),
    "attribute strides is": node("Conv", ["x", "w"], ["y"], strides=[0, 1], auto_pad="SAME_UPPER"),
    "attribute auto_pad is NONSENSE": node("Conv", ["x", "w"], ["y"], auto_pad="NONSENSE"),
    "attribute auto_pad should be a str": node("Conv", ["x", "w"], ["y"], auto_pad=1),
    "padding must be at least 0, got -1": node("Conv", ["x", "w"], ["y"], pads=[-1, 0, 0, 0]),
    "attribute activation is unknown": node("Conv", ["x", "w"], ["y"], activation="Relu"),
    "its weight should be floats with 4 axes, got float32": node("Conv", ["x", "m"], ["y"]),
    "its weight is computed, not constant": node("Conv", ["x", "x"], ["y"]),
    "its weight should be floats with 4 axes, got left out": node("Conv", ["x"], ["y"]),
    "its weight holds a NaN": node("Conv", ["x", "nan"], ["y"]),
    "its bias should have the shape": node("Conv", ["x", "w", "m1"], ["y"]),
    "a pool's padding must be at most": node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], pads=[2, 0, 0, 0]),
    "the kernel is larger than the padded input": node("MaxPool", ["x"], ["y"], kernel_shape=[9, 9]),
    "attribute kernel_shape should hold 2 numbers": node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2, 2]),
    "more than 2,147,483,648 bytes": node(
        "AveragePool", ["x"], ["y"], kernel_shape=[2**40, 1], pads=[2**40 - 1, 0, 2**40 - 1, 0]
    ),
    "attribute size is 4; an even window": node("LRN", ["x"], ["y"], size=4),
    "a setting is nan": node("LRN", ["x"], ["y"], size=3, alpha=float("nan")),
    "attribute training_mode is 1": node("BatchNormalization", ["x", "n", "n", "n", "n"], ["y"], training_mode=1),
    "its variance has values below 0, the least -2 at index 1": node(
        "BatchNormalization", ["x", "n", "n", "n", "minus"], ["y"]
    ),
    "attribute epsilon is -1.0": node("BatchNormalization", ["x", "n", "n", "n", "n"], ["y"], epsilon=-1.0),
    "attribute is_test is unknown": node("BatchNormalization", ["x", "n", "n", "n", "n"], ["y"], is_test=0),
    "attribute spatial is 0": node("BatchNormalization", ["x", "n", "n", "n", "n"], ["y"], spatial=0),
    "attribute beta is 0.5": node("Gemm", ["x", "m", "n"], ["y"], beta=0.5),
    r"it makes \[0, -1\] of": node("Reshape", ["x", "flat"], ["y"], allowzero=1),
    r"it makes \[-1, -1\] of": node("Reshape", ["x", "twice"], ["y"]),
    "its shape should be a list of integers": node("Reshape", ["x", "n"], ["y"]),
    "its shape is computed": node("Reshape", ["x", "x"], ["y"]),
    r"attribute pads is \[1, 1, 1, 1\] next to auto_pad VALID": node(
        "MaxPool", ["x"], ["y"], kernel_shape=[2, 2], pads=[1, 1, 1, 1], auto_pad="VALID"
    ),
    "a kernel of 1 with stride 3 on 6 values would need a padding of -2": node(
        "Conv", ["x", "w"], ["y"], strides=[1, 3], auto_pad="SAME_LOWER"
    ),
    "a kernel of 2 with stride 3 on 6 values would need a padding of -1": node(
        "AveragePool", ["x"], ["y"], kernel_shape=[2, 2], strides=[1, 3], auto_pad="SAME_UPPER"
    ),
    "attribute dilations is": node("AveragePool", ["x"], ["y"], kernel_shape=[2, 2], dilations=[2, 1]),
    "attribute transA is 1": node("Gemm", ["x", "m"], ["y"], transA=1),
    "attribute alpha is 2.0": node("Gemm", ["x", "m"], ["y"], alpha=2.0),
    r"its bias should have the shape \(5,\), got \(4,\)": node("Gemm", ["x", "m", "n"], ["y"]),
    "it goes over the axes": node("ReduceMean", ["x", "i"], ["y"]),
    "attribute axis is 2, not 1": node("Flatten", ["x"], ["y"], axis=2),
    "layers here only flatten": node("Reshape", ["x", "i"], ["y"]),
    "it takes the axes": node("Squeeze", ["x", "i"], ["y"]),
    "attribute axis is 3": node("Softmax", ["x"], ["y"]),
    "it drops in inference too": node("Dropout", ["x", "", "n"], ["y"]),
    r"p must be in \[0, 1\)": node("Dropout", ["x", "two"], ["y"]),
    r"a setting is 1e\+300": node("Dropout", ["x", "large"], ["y"]),
    "one of its inputs is constant; only a linear": node("Add", ["x", "n"], ["y"]),
    "its input 1 is constant": node("Concat", ["x", "w"], ["y"], axis=1),
    "its input 1 is left out": node("Concat", ["x", ""], ["y"], axis=1),
    "it reads 2 computed values, not 1": node("Relu", ["x", "x"], ["y"]),
    "it reads 0 computed values, not 1": node("Relu", [], ["y"]),
    "it reads 0 computed values, not": node("Identity", [], ["y"]),
    "its input 0 is constant": node("Relu", ["n"], ["y"]),
    "there is no layer for it": node("If", ["x"], ["y"]),
}


@pytest.mark.parametrize("reason", LACKING)
def test_a_setting_that_no_layer_has_is_named(reason, tmp_path):
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


@pytest.mark.parametrize(
    ("nodes", "outputs"),
    [
        ([node("Add", ["p", "v"], ["s"]), node("Concat", ["p", "s"], ["y"], axis=1)], ["y"]),
        ([node("Identity", ["p"], ["i"]), node("Add", ["i", "v"], ["s"]), node("Sum", ["p", "s"], ["y"])], ["y"]),
        ([node("Add", ["p", "v"], ["s"])], ["s", "p"]),
    ],
    ids=["another node", "a node under another name", "the caller"],
)
def test_a_product_that_somebody_else_reads_gets_no_bias(nodes, outputs, tmp_path):
    whole = network(
        [node("MatMul", ["x", "a"], ["p"]), *nodes], (4,), {"a": random(4, 5), "v": random(5)}, outputs=outputs
    )
    with pytest.raises(WeightsError, match=r"Add .1 node, 's'.: one of its inputs is constant"):
        read(whole, tmp_path)


def test_softmax_of_old_goes_over_all_axes_which_no_layer_does(tmp_path):
    with pytest.raises(WeightsError, match=r"Softmax .1 node, 'y'.: it goes over the axes 1 and beyond"):
        read(network([node("Softmax", ["x"], ["y"])], opset=11), tmp_path)


def test_the_mask_of_a_dropout_is_missing(tmp_path):
    whole = network([node("Dropout", ["x"], ["d", "mask"]), node("Concat", ["d", "mask"], ["y"], axis=1)])
    with pytest.raises(WeightsError, match=r"Dropout .1 node, 'd'.: its output 2, 'mask', is needed too, and a layer"):
        read(whole, tmp_path)


def relu():
    return network([node("Relu", ["x"], ["y"])])


def conv():
    return network([node("Conv", ["x", "w"], ["y"])], arrays={"w": random(3, 4, 3, 3)})


def changed(whole, change):
    change(whole)
    return whole


def elsewhere(whole):
    """Let the array lie in another file, one that is there to be read."""
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
    "random bytes": (lambda: np.random.default_rng(0).bytes(5000), "it is no ONNX file, or a damaged one"),
    "text": (lambda: b"Once upon a time there was a network.", "it is no ONNX file, or a damaged one"),
    "half a file": (lambda: conv().SerializeToString()[:200], "it is no ONNX file, or a damaged one, or its end"),
    "no network": (lambda: changed(relu(), lambda m: m.ClearField("graph")), "it holds no network in ONNX's form"),
    "no opset": (lambda: changed(relu(), lambda m: m.ClearField("opset_import")), "it holds no network in ONNX's form"),
    "an old opset": (lambda: network([node("Relu", ["x"], ["y"])], opset=6), "its opset is 6; those of 7 to 28"),
    "a new opset": (lambda: network([node("Relu", ["x"], ["y"])], opset=99), "its opset is 99; those of 7 to 28"),
    "a name that is no text": (lambda: not_text(relu()), "a name in it is no text"),
    "two opsets": (
        lambda: changed(relu(), lambda m: m.opset_import.add(domain="ai.onnx", version=9)),
        "it declares the opsets 9 and 22; only one can hold",
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
        "its inputs are batches of 1 and of 2 images",
    ),
    "a first output that is left out": (
        lambda: network([node("MaxPool", ["x"], ["", "y"], name="pool", kernel_shape=[2, 2])]),
        "MaxPool .node 'pool'.: its first output is left out",
    ),
    "functions": (lambda: changed(relu(), lambda m: m.functions.add(name="f")), "functions of its own .f.: inline"),
    "sparse arrays": (lambda: changed(relu(), lambda m: m.graph.sparse_initializer.add()), "it holds sparse arrays"),
    "another file's array": (lambda: changed(conv(), elsewhere), "array 'w' lies in another file, and only this one"),
    "a shape of too many numbers": (
        lambda: changed(conv(), with_shape(10**6, 10**6)),
        "1,000,000,000,000 values so far, more than 268,435,456",
    ),
    "a negative shape": (lambda: changed(conv(), with_shape(-3, -36)), r"declares the shape \(-3, -36\)"),
    "a shape of a hundred axes": (lambda: changed(conv(), with_shape(*[1] * 100)), "which none can have"),
    "half an array": (lambda: changed(conv(), lambda m: setattr(m.graph.initializer[0], "raw_data", b"123")), "0.75"),
    "numbers of 8 bits": (
        lambda: network([node("Conv", ["x", "w"], ["y"])], arrays={"w": np.ones((3, 4, 1, 1), np.int8)}),
        "array 'w' holds INT8; floats of 16, 32 or 64 bits are read",
    ),
    "whole numbers for weights": (
        lambda: network([node("Conv", ["x", "w"], ["y"])], arrays={"w": np.ones((3, 4, 1, 1), np.int64)}),
        "its weight should be floats with 4 axes, got int64",
    ),
    "a wrong number of channels": (lambda: changed(conv(), with_input(FLOAT, "N", 5, 7, 6)), "Conv .1 node, 'y'.: .*5"),
    "an input of bytes": (
        lambda: changed(relu(), with_input(onnx.TensorProto.UINT8, "N", 4)),
        "input 'x' takes UINT8; networks here take floats",
    ),
    "an input of any size": (
        lambda: changed(relu(), with_input(FLOAT, "N", 3, "height", "width")),
        r"input 'x' has the shape \(N, 3, height, width\); behind the batch axis every size must be a number",
    ),
    "an input without axes": (lambda: changed(relu(), with_input(FLOAT)), r"input 'x' has the shape \(\)"),
    "a huge input": (lambda: changed(relu(), with_input(FLOAT, "N", 10**9, 10**9)), "input 'x' declares the shape"),
    "an input that nobody gives": (lambda: network([node("Sum", ["x", "z"], ["y"])]), "reads 'z', which nothing"),
    "a circle": (
        lambda: network([node("Sum", ["x", "b"], ["a"], name="first"), node("Relu", ["a"], ["b"]),
                         node("Relu", ["b"], ["y"])]),
        "node 'first' reads 'b', which nothing before it writes",
    ),
    "an output that nobody writes": (lambda: network([node("Relu", ["x"], ["z"])]), "no node writes its output 'y'"),
    "no outputs": (lambda: network([node("Relu", ["x"], ["y"])], outputs=()), "no node writes its output"),
    "a name for two": (lambda: network([node("Relu", ["x"], ["y"])] * 2), "'y' is written twice"),
    "an input that is written": (lambda: network([node("Relu", ["x"], ["x"])], outputs=["x"]), "'x' is written"),
    "a constant for an output": (
        lambda: network([node("Constant", [], ["y"], value_float=1.0)]),
        "its output 'y' is constant",
    ),
    "a constant of two kinds": (
        lambda: network([node("Constant", [], ["c"], value_float=1.0, value_int=1), node("Sum", ["x", "c"], ["y"])]),
        "Constant .1 node, 'c'.: it should have one attribute, got 2",
    ),
    "ten thousand and one nodes": (
        lambda: network([node("Relu", ["x"], [f"t{i}"]) for i in range(10_001)]),
        "it has 10,001 nodes, more than 10,000",
    ),
    "too many inputs of a node": (lambda: network([node("Sum", ["x"] * 1001, ["y"])]), "reads 1,001 values"),
    "growth without end": (
        lambda: network([node("Concat", [f"t{i}" if i else "x"] * 100, [f"t{i + 1}"], axis=1) for i in range(9)],
                        outputs=["t9"]),
        r"Concat .1 node, 't4'.: its output has the shape .400000000, 7, 6., more than",
    ),
    "pixels that are no JSON": (lambda: with_property("pixels", "{"), "its property 'pixels' is no JSON: '{'"),
    "pixels that are deep": (lambda: with_property("pixels", "[" * 10**5), "its property 'pixels' is no JSON"),
    "pixels of another kind": (lambda: with_property("pixels", "[1]"), "should hold a dict, got list"),
    "pixels for other channels": (lambda: with_property("pixels", "{}"), r"RGB has 3 channels, the network takes .4,"),
    "pixels that cannot be": (lambda: with_property("pixels", '{"std": [0, 1, 1]}'), "does not say how images"),
    "pixels beyond floats": (
        lambda: with_property("pixels", '{"mean": [1' + "0" * 400 + ", 1, 1]}"),
        "does not say how images become",
    ),
    "too few classes": (lambda: with_property("classes", '["a"]'), "classes must be 4 names, one for each .*, got 1"),
    "classes that are numbers": (lambda: with_property("classes", json.dumps([1, 2, 3, 4])), "classes must be 4 names"),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_a_broken_or_hostile_file_gets_a_sentence(what, tmp_path):
    build, sentence = HOSTILE[what]
    with pytest.raises(WeightsError, match=f"(?s)^cannot read .*net.onnx as weights: .*{sentence}"):
        read(build(), tmp_path)


def test_a_folder_and_a_file_that_is_not_there_get_a_sentence(tmp_path):
    with pytest.raises(WeightsError, match="it is a folder"):
        import_graph(tmp_path)
    with pytest.raises(WeightsError, match="no such file"):
        import_graph(tmp_path / "none.onnx")


def test_one_array_for_many_layers_does_not_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("minigooglenet.weights.contents.MOST_BYTES", 10_000)
    names = ["x", *(f"t{i}" for i in range(30)), "y"]
    nodes = [node("Conv", [a, "w"], [b]) for a, b in itertools.pairwise(names)]
    with pytest.raises(WeightsError, match="its nodes read more than 10,000 bytes of arrays"):
        read(network(nodes, (10, 1, 1), {"w": random(10, 10, 1, 1)}), tmp_path)


def test_a_file_that_was_cut_or_changed_anywhere_is_read_or_refused_and_nothing_else(tmp_path):
    graph = mg.Graph(image=(3, 8, 8))
    graph.add("conv", layers.Conv2d(3, 4, 3, rng=0), "image")
    graph.add("norm", layers.BatchNorm2d(4), "conv")
    graph.add("pool", layers.MaxPool2d(3, stride=2, ceil_mode=True), "norm")
    graph.add("mean", layers.GlobalAvgPool2d(), graph.add("lrn", layers.LocalResponseNorm(), "pool"))
    graph.add("scores", layers.Linear(4, 2, rng=0), graph.add("drop", layers.Dropout(), "mean"))
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
            outcomes["refused"] += 1
            sentences.add(str(error))
        else:
            outcomes["read"] += 1
    assert min(outcomes["refused"], outcomes["read"]) > 300
    assert all(text.startswith(f"cannot read {tmp_path / 'net.onnx'} as weights: ") for text in sentences)
    assert max(map(len, sentences)) < 2000
