"""Files with a false graph: each is rejected in one sentence, with little memory and time."""

import tracemalloc

import numpy as np
import pytest
import weight_files as make

from minigooglenet import weights
from minigooglenet.weights import architecture

MOST_MEMORY = 8 * 1024**2
CONV = {"in_channels": 3, "out_channels": 4, "kernel_size": [3, 3]}
LINEAR = {"in_features": 4, "out_features": 5}
NODES = [
    ["conv", "Conv2d", CONV, ["image"]],
    ["mean", "GlobalAvgPool2d", {}, ["conv"]],
    ["fc", "Linear", LINEAR, ["mean"]],
]
SOUND = {"inputs": {"image": [3, 8, 8]}, "nodes": NODES, "outputs": None}


def _conv(**settings):
    return {**SOUND, "nodes": [["conv", "Conv2d", {**CONV, **settings}, ["image"]], *NODES[1:]]}


def _more(*node):
    return {**SOUND, "nodes": [*NODES, list(node)]}


def _nested(depth):
    value = 3
    for _ in range(depth):
        value = [value]
    return value


FALSE_GRAPHS = {
    # shapes of the record
    "a list": ([], "its architecture must have inputs, nodes, outputs, got list"),
    "a text": ("Graph()", "its architecture must have inputs, nodes, outputs, got str"),
    "a key more": ({**SOUND, "code": "import os"}, "must have inputs, nodes, outputs, got .'code', 'inputs'"),
    "no nodes": ({**SOUND, "nodes": []}, "must have at least one input and one node"),
    "no inputs": ({**SOUND, "inputs": {}}, "must have at least one input and one node"),
    "nodes by name": ({**SOUND, "nodes": {"a": 1}}, "must have at least one input and one node"),
    "too many nodes": ({**SOUND, "nodes": NODES * 2000}, "its architecture has 6,000 nodes, more than 4,000"),
    "a short node": (_more("a", "ReLU", {}), "has the node .'a', 'ReLU', .*expected .name, class, settings, wires"),
    "a node of numbers": (_more(1, 2, 3, 4), r"has the node \[1, 2, 3, 4\]; expected"),
    "wires that are numbers": (_more("a", "ReLU", {}, [1]), r"a list of names as the wires of a node, got \[1\]"),
    "no wires": (_more("a", "ReLU", {}, []), r"a list of names as the wires of a node, got \[\]"),
    "outputs that are a number": ({**SOUND, "outputs": 3}, "a list of names as outputs, got 3"),
    "a negative input": (
        {**SOUND, "inputs": {"image": [3, -8, 8]}},
        r"has input 'image' with the invalid shape \[3, -8, 8\]",
    ),
    "an input of truths": (
        {**SOUND, "inputs": {"image": [True]}},
        r"has input 'image' with the invalid shape \[True\]",
    ),
    "an endless input": ({**SOUND, "inputs": {"image": [2**20] * 3}}, "'image' has the shape .* more than 2,147"),
    "an input that no console shows": ({**SOUND, "inputs": {"\x1b[2J": [3]}}, "unknown wire 'image'"),
    "a node that no console shows": (
        _more("\x1b[2J\n", "ReLU", {}, ["x\x1b"]),
        r"node '.x1b.2J.n': unknown wire",
    ),
    "outputs that are nowhere": ({**SOUND, "outputs": ["nothing"]}, "outputs: unknown wire 'nothing'"),
    "an output twice": ({**SOUND, "outputs": ["fc", "fc"]}, "outputs must be one or more different wires"),
    # names that refer to code
    "a class with a module": (_more("a", "os.system", {}, ["fc"]), "layer 'os.system' is not registered"),
    "a class that is an attribute": (_more("a", "__class__", {}, ["fc"]), "layer '__class__' is not registered"),
    "a private class": (_more("a", "FusedConv2d", {}, ["fc"]), "layer 'FusedConv2d' is not registered"),
    "the base class": (_more("a", "Layer", {}, ["fc"]), "layer 'Layer' is not registered"),
    "an endless class": (_more("a", "R" * 1000, {}, ["fc"]), "the class of a node has 1,000 characters"),
    "an argument that is self": (_more("a", "ReLU", {"self": 1}, ["fc"]), "node 'a': .*multiple values"),
    "an unknown argument": (_conv(hook=1), "node 'conv': .*unexpected keyword argument 'hook'"),
    "an argument for random numbers": (_conv(rng="seed"), "node 'conv': .*"),
    "a rule for first weights": (_conv(init="os.system"), "node 'conv': .*multiple values for keyword argument 'init'"),
    "an algorithm that is code": (_conv(algorithm="__import__"), "node 'conv': .*"),
    "an algorithm of two texts": (_conv(algorithm=["eval", "exec"]), "node 'conv': .*"),
    # sizes
    "more filters than values": (_conv(out_channels=2**31), "need 60,129,542,144 values .* the file has 112"),
    "fewer filters than values": (_conv(out_channels=3), "need 84 values .* the file has 112"),
    "a window of half the memory": (_conv(kernel_size=[2**31, 2**31]), "values in parameters and buffers"),
    "channels that are a list": (_conv(out_channels=[4] * 1000), "node 'conv': out_channels must be an integer"),
    "channels that are a text": (_conv(in_channels="3" * 150), "node 'conv': in_channels must be an integer"),
    "a bias that is a text": (_conv(bias="no"), None),  # a true value in Python: there is a bias, as in the file
    "no groups": (_conv(groups=0), "node 'conv': groups must be at least 1"),
    "a batch norm without end": (_more("a", "BatchNorm2d", {"num_features": 2**31}, ["conv"]), "need 8,589,934,592"),
    "a matrix without end": (
        _more("a", "Linear", {"in_features": 2**31, "out_features": 2**31}, ["fc"]),
        "need 4,611,686,020,574,871,552 values",
    ),
    "a pool that makes much of little": (
        _more("a", "AdaptiveAvgPool2d", {"output_size": [2**31, 2**31]}, ["conv"]),
        "'a' has the shape .*, more than 2,147,483,648 bytes",
    ),
    "padding without end": (
        _more("a", "MaxPool2d", {"kernel_size": 2**31, "stride": 1, "padding": 2**31 - 1}, ["conv"]),
        "'a' has the shape|must be|window",
    ),
    "a concat that doubles": (
        {**SOUND, "nodes": [*NODES, *([f"c{i}", "Concat", {}, [f"c{i - 1}" if i else "fc"] * 2] for i in range(60))]},
        r"has the shape .*, more than 2,147,483,648 bytes",
    ),
    "a number without end": (_conv(stride=10**30), "its setting 'of a node' is 1000"),
    "a nested setting": (_conv(stride=_nested(50)), "has a setting that is nested more than 5 levels deep"),
    "a long text": (_conv(algorithm="a" * 100_000), "its setting 'of a node' is 'aaa"),
    # invalid graphs
    "a wire before its node": (
        {**SOUND, "nodes": [NODES[1], NODES[0], NODES[2]]},
        "node 'mean': unknown wire 'conv'",
    ),
    "a node twice": (_more(*NODES[0]), "node 'conv': this name is already used"),
    "channels that do not fit": (
        {**SOUND, "inputs": {"image": [4, 8, 8]}},
        "node 'conv'.*",
    ),
}


def _file(tmp_path, record):
    path = tmp_path / "a.safetensors"
    path.write_bytes(make.native(architecture=record))
    return path


def test_valid_architecture_is_loaded(tmp_path):
    graph = weights.load(_file(tmp_path, SOUND)).graph
    assert graph(np.zeros((1, 3, 8, 8), np.float32)).shape == (1, 5)


@pytest.mark.parametrize("name", FALSE_GRAPHS)
def test_false_architecture_is_rejected_in_one_sentence(tmp_path, name):
    record, sentence = FALSE_GRAPHS[name]
    path = _file(tmp_path, record)
    if sentence is None:
        weights.load(path)
        return
    tracemalloc.start()
    try:
        with pytest.raises(weights.WeightsError, match=rf"^cannot read .* as weights: .*({sentence})") as caught:
            weights.load(path)
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()
    assert len(str(caught.value)) < 1000
    assert "\x1b" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_arrays_outside_the_graph_are_rejected(tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(make.native({**make.arrays(), "more/weight": np.zeros(3, np.float32)}, architecture=SOUND))
    with pytest.raises(
        weights.WeightsError,
        match="1 of the 5 given arrays has no counterpart in the network, for example 'more/weight'",
    ):
        weights.load(path)


def test_unknown_metadata_is_ignored(tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(make.native(architecture=SOUND, later={"anything": [1, None]}))
    assert len(weights.load(path).graph.nodes) == 3


def test_largest_graph_is_built_quickly(tmp_path):
    record = {
        "inputs": {"image": [3]},
        "nodes": [[f"n{i}", "ReLU", {}, [f"n{i - 1}" if i else "image"]] for i in range(architecture.MOST_NODES - 1)],
        "outputs": None,
    }
    assert len(architecture.build(record, {}).nodes) == architecture.MOST_NODES - 1
