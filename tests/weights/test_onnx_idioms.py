"""Several ONNX nodes that are one layer: each idiom becomes that layer, and computes what ONNX Runtime computes."""

import numpy as np
import pytest
from onnx_made import network, node, onnx, random, read, require_as_runtime

from minigooglenet import layers
from minigooglenet.weights.contents import WeightsError

F32 = np.float32
W = {"w": random(6, 4, 3, 3), "v": random(6)}
CONV, SCALED = node("Conv", ["x", "w", "v"], ["c"]), {"k": random(6, 1, 1), "m": random(1, 6, 1, 1)}
NORM = {name: abs(random(4)) for name in "abde"}
BN = node("BatchNormalization", ["x", "a", "b", "d", "e"], ["n"])
SHIFT = node("Add", ["x", "three"], ["s"])
NUMBERS = {"three": F32(3), "six": F32(6), "zero": F32(0), "sixth": F32(1 / 6), "one": F32(1)}
RELU6 = node("Clip", ["s", "zero", "six"], ["r"])
PADS = {"p": np.array([0, 0, 1, 2, 0, 0, 0, 1]), "q": np.array([1, 2, 0, 1]), "hw": np.array([2, 3])}
PAD = node("Pad", ["x", "p"], ["z"])
RESNET = {"i": np.array([0]), "e": np.array([1]), "t": np.array([-1])}
TO_LAST, TO_FIRST = {"perm": [0, 2, 3, 1]}, {"perm": [0, 3, 1, 2]}
GROUPED = {"g": np.array([0, 2, 2, 7, 6]), "h": np.array([0, 4, 7, 6])}
SLICE = {"from": np.array([1]), "to": np.array([3]), "axis": np.array([1]), "step": np.array([1])}

IDIOMS = {  # {description: (nodes, expected layer kinds, arrays, further settings)}
    "a bias after a convolution": ([CONV, node("Add", ["k", "c"], ["y"])], "Conv2d", W | SCALED, {}),
    "a scale and a bias after a convolution": (
        [CONV, node("Mul", ["c", "m"], ["d"]), node("Sub", ["d", "k"], ["y"])], "Conv2d", W | SCALED, {},
    ),
    "a factor after a convolution": ([CONV, node("Div", ["c", "six"], ["y"])], "Conv2d", W | NUMBERS, {}),
    "a scale and a bias after batch norm": (
        [BN, node("Mul", ["n", "k"], ["p"]), node("Add", ["p", "m"], ["y"])],
        "BatchNorm2d", NORM | {"k": random(4, 1, 1), "m": random(1, 4, 1, 1)}, {},
    ),
    "a product, a factor and a bias": (
        [node("MatMul", ["x", "a"], ["p"]), node("Mul", ["p", "k"], ["d"]), node("Add", ["d", "k"], ["y"])],
        "Linear", {"a": random(4, 5), "k": random(5)}, {"shape": (4,)},
    ),
    "alpha and beta": (
        [node("Gemm", ["x", "a", "k"], ["y"], alpha=0.5, beta=3.0)], "Linear", {"a": random(4, 5), "k": random(5)},
        {"shape": (4,)},
    ),
    "a scale with another reader before it": (
        [CONV, node("Mul", ["c", "m"], ["d"]), node("Sum", ["c", "d"], ["y"])], "Conv2d Scale Add", W | SCALED, {},
    ),
    "preprocessing": (
        [node("Sub", ["x", "mean"], ["a"]), node("Div", ["a", "std"], ["b"]), node("Conv", ["b", "w"], ["y"])],
        "Scale Conv2d", W | {"mean": random(1, 4, 1, 1), "std": abs(random(4, 1, 1)) + 1}, {},
    ),
    "preprocessing that negates": (
        [node("Sub", ["one", "x"], ["a"]), node("Mul", ["a", "six"], ["b"]), node("Neg", ["b"], ["y"])],
        "Scale", NUMBERS, {},
    ),
    "a difference": ([node("Relu", ["x"], ["r"]), node("Sub", ["x", "r"], ["y"])], "ReLU Scale Add", {}, {}),
    "residual scaling": (
        [CONV, node("Mul", ["c", "sixth"], ["d"]), node("Add", ["d", "c"], ["y"])], "Conv2d Scale Add", W | NUMBERS, {},
    ),
    "SiLU": ([node("Sigmoid", ["x"], ["g"]), node("Mul", ["g", "x"], ["y"])], "SiLU", {}, {}),
    "a gate that something else reads": (
        [node("Sigmoid", ["x"], ["g"]), node("Mul", ["x", "g"], ["p"]), node("Add", ["p", "g"], ["y"])],
        "Sigmoid Multiply Add", {}, {},
    ),
    "hard sigmoid": ([node("HardSigmoid", ["x"], ["y"], alpha=0.3, beta=0.4)], "Scale Clip", {}, {}),
    "hard swish of a hard sigmoid": (
        [node("HardSigmoid", ["x"], ["g"], alpha=1 / 6, beta=0.5), node("Mul", ["x", "g"], ["y"])], "HardSwish", {}, {},
    ),
    "hard swish divided first": (
        [SHIFT, RELU6, node("Div", ["r", "six"], ["g"]), node("Mul", ["x", "g"], ["y"])], "HardSwish", NUMBERS, {},
    ),
    "hard swish divided last": (
        [SHIFT, RELU6, node("Mul", ["x", "r"], ["g"]), node("Mul", ["sixth", "g"], ["y"])], "HardSwish", NUMBERS, {},
    ),
    "a hard sigmoid of something else": (
        [node("Tanh", ["x"], ["t"]), node("HardSigmoid", ["t"], ["g"], alpha=1 / 6, beta=0.5),
         node("Mul", ["x", "g"], ["y"])],
        "Tanh Scale Clip Multiply", {}, {},
    ),
    "an old clip": ([node("Clip", ["x"], ["y"], min=0.0, max=6.0)], "ReLU6", {}, {"opset": 9}),
    "an old clip without bounds": ([node("Clip", ["x"], ["c"]), node("Relu", ["c"], ["y"])], "ReLU", {}, {"opset": 7}),
    "a maximum with a number": ([node("Max", ["one", "x"], ["y"])], "Clip", NUMBERS, {}),
    "a minimum with a number": ([node("Min", ["x", "one"], ["y"])], "Clip", NUMBERS, {}),
    "one slope": ([node("PRelu", ["x", "k"], ["y"])], "LeakyReLU", {"k": np.full((4, 1, 1), 0.3, F32)}, {}),
    "squeeze and excitation": (
        [node("GlobalAveragePool", ["x"], ["g"]), node("Conv", ["g", "k"], ["h"]), node("Sigmoid", ["h"], ["s"]),
         node("Mul", ["s", "x"], ["y"])],
        "AvgPool2d Conv2d Sigmoid Multiply", {"k": random(4, 4, 1, 1)}, {},
    ),
    "squeeze and excitation with linear layers": (
        [node("ReduceMean", ["x", "hw"], ["g"], keepdims=0), node("Gemm", ["g", "k"], ["h"]),
         node("Unsqueeze", ["h", "hw"], ["s"]), node("Mul", ["x", "s"], ["y"])],
        "GlobalAvgPool2d Linear Multiply", PADS | {"k": random(4, 4)}, {},
    ),
    "a mean that gets its axes back": (
        [node("ReduceMean", ["x", "hw"], ["g"], keepdims=0), node("Reshape", ["g", "s"], ["h"]),
         node("Conv", ["h", "k"], ["y"])],
        "AvgPool2d Conv2d", PADS | {"s": np.array([-1, 4, 1, 1]), "k": random(5, 4, 1, 1)}, {},
    ),
    "a mean over flattened rows": (
        [node("Reshape", ["x", "s"], ["r"]), node("ReduceMean", ["r"], ["y"], axes=[2], keepdims=0)],
        "AvgPool2d Flatten", {"s": np.array([0, 4, -1])}, {"opset": 13},
    ),
    "means in two steps": (
        [node("ReduceMean", ["x"], ["a"], axes=[3], keepdims=0),
         node("ReduceMean", ["a"], ["y"], axes=[2], keepdims=0)],
        "AvgPool2d AvgPool2d Flatten", {}, {"opset": 13},
    ),
    "a global maximum": (
        [node("GlobalMaxPool", ["x"], ["m"]), node("Flatten", ["m"], ["y"])], "MaxPool2d Flatten", {}, {},
    ),
    "a maximum over the map": ([node("ReduceMax", ["x", "hw"], ["y"], keepdims=0)], "GlobalMaxPool2d", PADS, {}),
    "a squeeze in two steps": (
        [node("GlobalAveragePool", ["x"], ["g"]), node("Squeeze", ["g"], ["a"], axes=[3]),
         node("Squeeze", ["a"], ["y"], axes=[2])],
        "AvgPool2d Flatten", {}, {"opset": 11},
    ),
    "a view with any batch": (
        [node("Relu", ["x"], ["r"]), node("Shape", ["r"], ["s"]), node("Slice", ["s", "i", "e"], ["b"]),
         node("Concat", ["b", "t"], ["c"], axis=0), node("Cast", ["c"], ["d"], to=7),
         node("Reshape", ["r", "d"], ["y"])],
        "ReLU Flatten", RESNET, {},
    ),
    "a view with the sizes of a shape": (
        [node("Shape", ["x"], ["s"]), node("Gather", ["s", "i"], ["b"]), node("Gather", ["s", "e"], ["c"]),
         node("Concat", ["b", "c", "t"], ["d"], axis=0), node("Reshape", ["x", "d"], ["r"]),
         node("Flatten", ["r"], ["y"])],
        "Flatten", RESNET, {},
    ),
    "a view with a part of a shape": (
        [node("Shape", ["x"], ["b"], start=0, end=1), node("Concat", ["b", "t"], ["d"], axis=0),
         node("Reshape", ["x", "d"], ["y"])],
        "Flatten", RESNET, {"opset": 15},
    ),
    "a reshape to the same map": (
        [node("Reshape", ["x", "h"], ["r"]), node("Relu", ["r"], ["y"])], "ReLU", GROUPED, {},
    ),
    "a channel shuffle": (
        [node("Reshape", ["x", "g"], ["r"]), node("Transpose", ["r"], ["t"], perm=[0, 2, 1, 3, 4]),
         node("Reshape", ["t", "h"], ["s"]), node("Relu", ["s"], ["y"])],
        "ChannelShuffle ReLU", GROUPED, {},
    ),
    "a split that is joined in another order": (
        [node("Split", ["x"], ["p", "q"], axis=1, num_outputs=2), node("Concat", ["q", "p"], ["y"], axis=1)],
        "ChannelSlice ChannelSlice Concat", {}, {},
    ),
    "unequal parts": (
        [node("Split", ["x"], ["p", "q", "r"], axis=-3, split=[1, 2, 1]), node("Relu", ["q"], ["y"])],
        "ChannelSlice ReLU", {}, {"opset": 11},
    ),
    "parts that are joined again": (
        [node("Split", ["x"], ["p", "q"], axis=1), node("Concat", ["p", "q"], ["c"], axis=1),
         node("Relu", ["c"], ["y"])],
        "ReLU", {}, {"opset": 13},
    ),
    "a slice of channels": ([node("Slice", ["x", *SLICE], ["y"])], "ChannelSlice", SLICE, {}),
    "gathered channels": ([node("Gather", ["x", "hw"], ["y"], axis=1)], "ChannelSlice", PADS, {}),
    "a pad before a convolution": (
        [PAD, node("Conv", ["z", "w"], ["y"], pads=[0, 1, 1, 0], dilations=[1, 2])], "Conv2d", W | PADS, {},
    ),
    "a pad of some axes": (
        [node("Pad", ["x", "q", "", "hw"], ["z"]), node("Conv", ["z", "w"], ["y"])], "Conv2d", W | PADS, {"opset": 18},
    ),
    "an old pad before an average": (
        [node("Pad", ["x"], ["z"], pads=[0, 0, 1, 1, 0, 0, 1, 0]),
         node("AveragePool", ["z"], ["y"], kernel_shape=[3, 2])],
        "AvgPool2d", {}, {"opset": 9},
    ),
    "a pad before a maximum of what a ReLU returns": (
        [node("Relu", ["x"], ["r"]), node("Pad", ["r", "p"], ["z"]),
         node("MaxPool", ["z"], ["y"], kernel_shape=[3, 4])],
        "ReLU MaxPool2d", PADS, {},
    ),
    "a pad before a maximum of other values": (
        [PAD, node("MaxPool", ["z"], ["y"], kernel_shape=[3, 4])], "Pad MaxPool2d", PADS, {},
    ),
    "a pad before an average that does not count": (
        [PAD, node("AveragePool", ["z"], ["y"], kernel_shape=[3, 4], pads=[1, 1, 1, 1])], "Pad AvgPool2d", PADS, {},
    ),
    "a pad longer than the window": (
        [PAD, node("AveragePool", ["z"], ["y"], kernel_shape=[2, 2])], "Pad AvgPool2d", PADS, {},
    ),
    "a pad whose last window would be dropped": (
        [PAD, node("AveragePool", ["z"], ["y"], kernel_shape=[3, 3], strides=[3, 3], ceil_mode=1)], "Pad AvgPool2d",
        PADS | {"p": np.array([0, 0, 0, 0, 0, 0, 0, 1])}, {},
    ),
    "a pad before automatic padding": (
        [PAD, node("Conv", ["z", "w"], ["y"], auto_pad="SAME_UPPER", strides=[2, 2])], "Pad Conv2d", W | PADS, {},
    ),
    "a pad with another value": (
        [node("Pad", ["x", "p", "six"], ["z"]), node("Conv", ["z", "w"], ["y"])], "Pad Conv2d", W | PADS | NUMBERS, {},
    ),
    "an empty pad": (
        [node("Pad", ["x", "p"], ["z"]), node("Relu", ["z"], ["y"])], "ReLU", {"p": np.zeros(8, np.int64)}, {},
    ),
    "two transposes": (
        [node("Transpose", ["x"], ["t"], **TO_LAST), node("Transpose", ["t"], ["f"], **TO_FIRST),
         node("Relu", ["f"], ["y"])],
        "ReLU", {}, {},
    ),
    "layers between two transposes": (
        [node("Transpose", ["x"], ["t"], **TO_LAST), node("Mul", ["t", "k"], ["a"]), node("Add", ["a", "k"], ["b"]),
         node("Sigmoid", ["b"], ["g"]), node("Mul", ["b", "g"], ["c"]), node("Concat", ["c", "b"], ["d"], axis=3),
         node("Transpose", ["d"], ["y"], **TO_FIRST)],
        "Scale SiLU Concat", {"k": random(4)}, {},
    ),
    "a product with the last axis": (
        [node("Transpose", ["x"], ["t"], **TO_LAST), node("MatMul", ["t", "k"], ["a"]), node("Add", ["a", "v"], ["b"]),
         node("Transpose", ["b"], ["y"], **TO_FIRST)],
        "Conv2d", W | {"k": random(4, 6)}, {},
    ),
    "a mean in (H, W, C)": (
        [node("Transpose", ["x"], ["t"], **TO_LAST), node("ReduceMean", ["t"], ["m"], axes=[1, 2], keepdims=1),
         node("Transpose", ["m"], ["y"], **TO_FIRST)],
        "AvgPool2d", {}, {"opset": 13},
    ),
    "a gate in (H, W, C)": (
        [node("Transpose", ["x"], ["t"], **TO_LAST), node("ReduceMean", ["t"], ["m"], axes=[1, 2], keepdims=1),
         node("Sigmoid", ["m"], ["s"]), node("Mul", ["t", "s"], ["p"]), node("Transpose", ["p"], ["y"], **TO_FIRST)],
        "AvgPool2d Sigmoid Multiply", {}, {"opset": 13},
    ),
    "a split in (H, W, C)": (
        [node("Transpose", ["x"], ["t"], **TO_LAST), node("Split", ["t"], ["a", "b"], axis=-1),
         node("Mul", ["a", "b"], ["p"]), node("Transpose", ["p"], ["y"], **TO_FIRST)],
        "ChannelSlice ChannelSlice Multiply", {}, {"opset": 13},
    ),
    "a linear layer of a flattened (H, W, C)": (
        [node("Transpose", ["x"], ["t"], **TO_LAST), node("Reshape", ["t", "s"], ["f"]),
         node("MatMul", ["f", "k"], ["p"]), node("Add", ["p", "b"], ["y"])],
        "Flatten Linear", {"s": np.array([-1, 168]), "k": random(168, 5), "b": random(5)}, {},
    ),
    "casts between floats": (
        [node("Cast", ["x"], ["d"], to=11), node("Cast", ["d"], ["f"], to=1), node("Relu", ["f"], ["y"])],
        "ReLU", {}, {},
    ),
    "an expansion to the same shape": (
        [node("Relu", ["x"], ["r"]), node("Shape", ["r"], ["s"]), node("Expand", ["r", "s"], ["e"]),
         node("Tanh", ["e"], ["y"])],
        "ReLU Tanh", {}, {},
    ),
    "a sum of wires and constants": (
        [node("Relu", ["x"], ["r"]), node("Sum", ["k", "x", "six", "r"], ["y"])], "ReLU Add Scale",
        NUMBERS | {"k": random(4, 1, 1)}, {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("idiom", IDIOMS)
def test_idioms_become_the_layers_they_mean(idiom, tmp_path):
    nodes, kinds, arrays, settings = IDIOMS[idiom]
    used = {name: array for name, array in arrays.items() if any(name in made.input for made in nodes)}
    graph = require_as_runtime(network(nodes, arrays=used, **{"opset": 18, **settings}), tmp_path)
    assert " ".join(layer.kind for layer, _ in graph.nodes.values()) == kinds
    assert graph.outputs == ("y",)


def transform_input(opset=17):
    """Return the nodes and arrays of torchvision's `transform_input`: every channel is scaled by itself."""
    nodes, arrays, channels = [], {"one": np.array([1])}, []
    for c, (mean, std) in enumerate(((0.485, 0.229), (0.456, 0.224), (0.406, 0.225))):
        arrays |= {f"i{c}": np.array(c), f"m{c}": F32(std / 0.5), f"a{c}": F32((mean - 0.5) / 0.5)}
        nodes += [
            node("Gather", ["x", f"i{c}"], [f"g{c}"], axis=1),
            node("Unsqueeze", [f"g{c}", "one"], [f"u{c}"]),
            node("Mul", [f"u{c}", f"m{c}"], [f"p{c}"]),
            node("Add", [f"p{c}", f"a{c}"], [f"c{c}"]),
        ]
        channels.append(f"c{c}")
    return nodes, arrays, channels


def test_transformed_input_becomes_one_scale(tmp_path):
    nodes, arrays, channels = transform_input()
    nodes += [node("Concat", channels, ["k"], axis=1), node("Conv", ["k", "w"], ["y"])]
    graph = require_as_runtime(network(nodes, (3, 8, 8), arrays | {"w": random(6, 3, 3, 3)}, opset=17), tmp_path)
    assert [layer.kind for layer, _ in graph.nodes.values()] == ["Scale", "Conv2d"]
    scale = graph.nodes["k"].layer
    assert not scale.trained
    np.testing.assert_allclose(scale.buffers["weight"], [0.458, 0.448, 0.45])


@pytest.mark.parametrize(
    ("order", "outputs", "kinds"),
    [
        ((0, 2, 1), ["y"], ["ChannelSlice", "Scale"] * 3 + ["Concat"]),
        ((0, 1), ["y"], ["ChannelSlice", "Scale"] * 2 + ["Concat"]),
        ((0, 1, 2), ["y", "c1"], ["ChannelSlice", "Scale"] * 3 + ["Concat"]),
    ],
    ids=["another order", "not all channels", "an output among them"],
)
def test_scaled_channels_are_joined_only_if_a_scale_is_equal(order, outputs, kinds, tmp_path):
    nodes, arrays, channels = transform_input()
    nodes.append(node("Concat", [channels[c] for c in order], ["y"], axis=1))
    graph = require_as_runtime(network(nodes, (3, 8, 8), arrays, opset=17, outputs=outputs), tmp_path)
    assert [layer.kind for layer, _ in graph.nodes.values()] == kinds


def test_scales_are_trained_if_they_have_one_value_per_channel(tmp_path):
    nodes = [
        node("Mul", ["x", "k"], ["a"]),  # preprocessing
        node("Relu", ["a"], ["b"]),
        node("Mul", ["b", "n"], ["c"]),  # one number
        node("Relu", ["c"], ["d"]),
        node("Mul", ["d", "k"], ["e"]),
        node("Relu", ["e"], ["f"]),
        node("Mul", ["f", "n"], ["g"]),
        node("Add", ["g", "k"], ["y"]),  # one number and one value per channel
    ]
    graph = read(network(nodes, arrays={"k": random(4, 1, 1), "n": F32(0.17)}), tmp_path).graph
    scales = [layer.trained for layer, _ in graph.nodes.values() if isinstance(layer, layers.Scale)]
    assert scales == [False, False, True, True]


@pytest.mark.parametrize(
    ("nodes", "outputs"),
    [
        ([node("Add", ["c", "k"], ["s"]), node("Concat", ["c", "s"], ["y"], axis=1)], ["y"]),
        ([node("Identity", ["c"], ["i"]), node("Add", ["i", "k"], ["s"]), node("Sum", ["c", "s"], ["y"])], ["y"]),
        ([node("Add", ["c", "k"], ["s"])], ["s", "c"]),
    ],
    ids=["another node", "a node under another name", "the caller"],
)
def test_layer_with_other_readers_stays_as_it_is(nodes, outputs, tmp_path):
    graph = require_as_runtime(network([CONV, *nodes], arrays=W | {"k": SCALED["k"]}, outputs=outputs), tmp_path)
    assert [layer.kind for layer, _ in graph.nodes.values()][:2] == ["Conv2d", "Scale"]
    np.testing.assert_array_equal(graph.params["c/bias"], W["v"])


@pytest.mark.parametrize("shape", [(1, 4, 6, 6), (4, 6, 6), (6,), (2, 1, 1, 1), (4, 6, 1)])
def test_constants_of_other_shapes_are_rejected(shape, tmp_path):
    whole = network([node("Mul", ["x", "k"], ["y"])], (4, 6, 6), {"k": random(*shape)})
    with pytest.raises(WeightsError, match=r"Mul .1 node, 'y'.: its constant of shape .* (neither one|does not fit)"):
        read(whole, tmp_path)


def test_constant_that_repeats_along_other_axes_is_read(tmp_path):
    values = np.broadcast_to(np.array([1, 2, 3, 4], F32)[:, None, None], (4, 6, 6)).copy()
    graph = require_as_runtime(network([node("Mul", ["x", "k"], ["y"])], (4, 6, 6), {"k": values}), tmp_path)
    np.testing.assert_array_equal(graph.buffers["y/weight"], [1, 2, 3, 4])


def test_input_in_h_w_c_is_read_as_c_h_w(tmp_path):
    nodes = [
        node("Div", ["x", "k"], ["a"]),
        node("Transpose", ["a"], ["t"], **TO_FIRST),
        node("Conv", ["t", "w"], ["y"]),
    ]
    whole = network(nodes, (8, 7, 3), {"k": random(3), "w": random(5, 3, 3, 3)})
    graph = read(whole, tmp_path).graph
    assert graph.inputs == {"x": (3, 8, 7)}
    x = random(2, 8, 7, 3)
    session = pytest.importorskip("onnxruntime").InferenceSession(whole.SerializeToString())
    expected = session.run(None, {"x": x})[0]
    np.testing.assert_allclose(graph(x.transpose(0, 3, 1, 2).copy()), expected, atol=1e-5 * abs(expected).max())
    nodes = [node("Transpose", ["x"], ["t"], **TO_FIRST), nodes[2]]
    with pytest.raises(WeightsError, match=r"Conv .1 node, 'y'.: tensor 't' has the values of a \(N, 8, 7, 5\)"):
        read(network(nodes, (8, 7, 5), {"w": random(5, 5, 3, 3)}), tmp_path)  # not an image


def test_network_in_half_precision_computes_in_float32(tmp_path):
    half = np.float16
    whole = network(
        [node("Conv", ["x", "w", "v"], ["c"]), node("Mul", ["c", "k"], ["y"])],
        arrays={name: array.astype(half) for name, array in (W | {"k": SCALED["k"]}).items()},
    )
    whole.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT16
    graph = read(whole, tmp_path).graph
    assert {array.dtype for array in graph.params.values()} == {np.dtype(np.float32)}
    x = random(2, 4, 7, 6)
    expected = read(network([CONV, node("Mul", ["c", "k"], ["y"])], arrays=W | {"k": SCALED["k"]}), tmp_path).graph(x)
    np.testing.assert_allclose(graph(x), expected, atol=2e-3 * abs(expected).max())


REJECTED = {  # {part of the message: nodes}
    r"Transpose .1 node, 'y'.: tensor 'y' has the values of a \(N, 4, 7, 6\) in another .* \(N, 6, 7, 4\)": [
        node("Transpose", ["x"], ["y"], perm=[0, 3, 2, 1])],
    r"Conv .1 node, 'y'.: tensor 't' has the values of a \(N, 4, 7, 6\)": [
        node("Transpose", ["x"], ["t"], **TO_LAST), node("Conv", ["t", "w"], ["y"])],
    r"Transpose .1 node, 'y'.: attribute perm is \[1, 0, 2, 3\]; the batch axis": [
        node("Transpose", ["x"], ["y"], perm=[1, 0, 2, 3])],
    r"LRN .1 node, 'y'.: tensor 'r' has": [node("Reshape", ["x", "odd"], ["r"]), node("LRN", ["r"], ["y"], size=3)],
    r"Relu .1 node, 'y'.: tensor 'y' has": [node("Reshape", ["x", "odd"], ["r"]), node("Relu", ["r"], ["y"])],
    r"Gather .1 node, 'y'.: it takes the channels \[2, 0\] of 4; they must follow each other": [
        node("Gather", ["x", "mixed"], ["y"], axis=1)],
    r"Gather .1 node, 'y'.: it takes values of axis 2": [node("Gather", ["x", "mixed"], ["y"], axis=2)],
    r"Slice .1 node, 'y'.: it takes a part of the batch": [node("Slice", ["x", "from", "to", "batch"], ["y"])],
    r"Slice .1 node, 'y'.: it takes .*; only channels in a row": [node("Slice", ["x", "from", "to", "rows"], ["y"])],
    r"Split .1 node, 'p'.: it splits axis 2": [
        node("Split", ["x"], ["p", "q"], axis=2, num_outputs=2), node("Sum", ["p", "q"], ["y"])],
    r"Div .1 node, 'y'.: it divides by a computed": [node("Div", ["x", "x"], ["y"])],
    r"Div .1 node, 'y'.: it divides by 0": [node("Div", ["x", "nothing"], ["y"])],
    r"Div .1 node, 'y'.: it divides by 0 or by a number close": [node("Div", ["x", "tiny"], ["y"])],
    r"Mul .1 node, 'y'.: in 'weight', 16 of 16 values are not finite": [
        node("Conv", ["x", "w"], ["c"]), node("Mul", ["c", "huge"], ["y"])],
    r"Gemm .1 node, 'y'.: in 'weight', 3 of 12 values are not finite": [
        node("GlobalAveragePool", ["x"], ["g"]), node("Flatten", ["g"], ["f"]),
        node("Gemm", ["f", "e"], ["y"], alpha=3e38)],
    r"Max .1 node, 'y'.: it compares 2 computed": [node("Max", ["x", "x"], ["y"])],
    r"Min .1 node, 'y'.: it has a bound for each": [node("Min", ["x", "k"], ["y"])],
    r"PRelu .1 node, 'y'.: it has 4 slopes": [node("PRelu", ["x", "k"], ["y"])],
    r"Cast .1 node, 'y'.: it converts to INT64": [node("Cast", ["x"], ["y"], to=7)],
    r"Expand .1 node, 'y'.: it repeats the values": [node("Expand", ["x", "large"], ["y"])],
    r"Pad .1 node, 'y'.: attribute mode is reflect": [node("Pad", ["x", "pads"], ["y"], mode="reflect")],
    r"Pad .1 node, 'y'.: its pads are .*; only rows and columns": [node("Pad", ["x", "all"], ["y"])],
    r"ReduceMean .1 node, 'y'.: it reduces the axes \(1, 2, 3\)": [node("ReduceMean", ["x", "chw"], ["y"])],
    r"ReduceMean .1 node, 'y'.: it reduces the axes \(0, 1, 2, 3\)": [node("ReduceMean", ["x"], ["y"])],
    r"Mul .1 node, 'y'.: its inputs .* have different axes": [
        node("ReduceMean", ["x", "hw"], ["m"], keepdims=0), node("Mul", ["x", "m"], ["y"])],
    r"Squeeze .1 node, 'y'.: it removes the axes": [
        node("GlobalAveragePool", ["x"], ["g"]), node("Squeeze", ["g", "chw"], ["y"])],
    r"Unsqueeze .1 node, 'y'.: it adds the axes": [node("Unsqueeze", ["x", "batch"], ["y"])],
    r"Reshape .1 node, 'y'.: it reshapes \(N, 4, 7, 6\) to \(N, N, -1\)": [
        node("Shape", ["x"], ["s"], start=0, end=1), node("Concat", ["s", "s", "rest"], ["d"], axis=0),
        node("Reshape", ["x", "d"], ["y"])],
    r"Add .1 node, 'd'.: it computes with the batch size": [
        node("Shape", ["x"], ["s"], start=0, end=1), node("Add", ["s", "rest"], ["d"]),
        node("Reshape", ["x", "d"], ["y"])],
}  # fmt: skip


LISTS = {"odd": [0, 2, -1], "mixed": [2, 0], "from": [1], "to": [3], "batch": [0], "rows": [2], "hw": [2, 3]}
LISTS |= {"large": [1, 4, 7, 12], "pads": [0, 0, 1, 1, 0, 0, 1, 1], "all": [0, 1, 0, 0, 0, 0, 0, 0], "chw": [1, 2, 3]}
LISTS |= {"rest": [-1]}


@pytest.mark.parametrize("message", REJECTED)
def test_form_without_a_layer_is_rejected(message, tmp_path):
    arrays = {"w": 10 + abs(random(4, 4, 1, 1)), "k": random(4, 1, 1), "nothing": F32(0), "tiny": F32(1e-40)}
    arrays |= {"huge": F32(1e38), "e": np.repeat(F32([[2], [1], [1], [1]]), 3, axis=1)}
    arrays |= {name: np.array(values) for name, values in LISTS.items()}
    with pytest.raises(WeightsError, match=message):
        read(network(REJECTED[message], arrays=arrays, opset=18), tmp_path)
