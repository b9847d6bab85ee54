"""Constants in ONNX files are folded bit by bit as ONNX Runtime computes them, within limits."""

import collections
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx_made import network, node, onnx, random, read

from minigooglenet.weights.contents import WeightsError
from minigooglenet.weights.onnx import folding, messages
from minigooglenet.weights.onnx.draft import Draft
from minigooglenet.weights.onnx.node import Node

INT = np.array([7, -3, 0, 5])
FLOAT = np.array([[1.5, -2.25, 3e-8], [np.pi, 1e20, -0.0]], np.float32)
HALF = np.array([[1.5, -2.25, 3e-8], [np.pi, 6e4, -0.0]], np.float16)
FILL = onnx.helper.make_tensor("fill", onnx.TensorProto.FLOAT, [1], [0.02])
tensor = onnx.numpy_helper.from_array
CASES = {  # {description: (operator, constants, attributes, opset)}
    "absolute values": ("Abs", [FLOAT], {}, 13),
    "a sum": ("Add", [FLOAT, FLOAT[1]], {}, 13),
    "a sum in half precision": ("Add", [HALF, HALF[0]], {}, 14),
    "a cast to integers": ("Cast", [np.array([1.5, -2.7, 3.0], np.float32)], {"to": 7}, 13),
    "a cast from half": ("Cast", [HALF], {"to": 1}, 13),
    "a cast to half": ("Cast", [FLOAT], {"to": 10}, 13),
    "a cast to bool": ("Cast", [INT], {"to": 9}, 13),
    "a cast like another": ("CastLike", [INT, FLOAT], {}, 15),
    "a ceiling": ("Ceil", [FLOAT], {}, 13),
    "a concat": ("Concat", [FLOAT, FLOAT], {"axis": -1}, 13),
    "a filled shape": ("ConstantOfShape", [np.array([2, 3])], {"value": FILL}, 9),
    "zeros of a shape": ("ConstantOfShape", [np.array([2, 0, 3])], {}, 9),
    "a dequantised tensor": (
        "DequantizeLinear", [np.array([[-128, 5], [0, 127]], np.int8), np.float32(0.05), np.int8(3)], {}, 13,
    ),
    "dequantised channels": (
        "DequantizeLinear",
        [np.array([[0, 5], [200, 255]], np.uint8), np.array([0.1, 0.7], np.float32), np.array([3, 255], np.uint8)],
        {"axis": -2}, 13,
    ),
    "dequantised integers": ("DequantizeLinear", [np.array([2**24 + 1, -7], np.int32), np.float32(0.3)], {}, 10),
    "a quotient": ("Div", [FLOAT, np.float32(3)], {}, 14),
    "an integer quotient": ("Div", [INT, np.array([2, 2, 3, -2])], {}, 14),
    "an equality": ("Equal", [INT, np.array(-3)], {}, 13),
    "an expansion": ("Expand", [FLOAT[:, :1], np.array([2, 1, 4])], {}, 13),
    "a flattening": ("Flatten", [random(2, 3, 4)], {"axis": 2}, 13),
    "a floor": ("Floor", [FLOAT], {}, 13),
    "gathered rows": ("Gather", [FLOAT, np.array([[1, -2]])], {}, 13),
    "one gathered column": ("Gather", [FLOAT, np.array(-1)], {"axis": 1}, 13),
    "the same": ("Identity", [FLOAT], {}, 13),
    "a maximum": ("Max", [FLOAT, FLOAT[1]], {}, 13),
    "a minimum": ("Min", [INT, INT[::-1].copy()], {}, 13),
    "a product": ("Mul", [FLOAT, FLOAT[1]], {}, 13),
    "a negation": ("Neg", [FLOAT], {}, 13),
    "a range": ("Range", [np.array(7), np.array(-2), np.array(-3)], {}, 11),
    "a reciprocal": ("Reciprocal", [FLOAT[:, :2]], {}, 13),
    "a product of all": ("ReduceProd", [INT + 4], {"keepdims": 0}, 13),
    "a product over an axis": ("ReduceProd", [INT.reshape(2, 2)], {"axes": [-1]}, 13),
    "another shape": ("Reshape", [FLOAT, np.array([-1, 0, 1])], {}, 13),
    "a shape": ("Shape", [random(2, 3, 4)], {}, 13),
    "a part of a shape": ("Shape", [random(2, 3, 4)], {"start": 1, "end": -1}, 15),
    "a size": ("Size", [random(2, 3, 4)], {}, 13),
    "an old slice": ("Slice", [random(4, 5)], {"starts": [1, -3], "ends": [2**31, -1], "axes": [0, -1]}, 9),
    "a slice backwards": (
        "Slice", [INT, np.array([-1]), np.array([-(2**63) + 1]), np.array([0]), np.array([-1])], {}, 13,
    ),
    "square roots": ("Sqrt", [abs(FLOAT)], {}, 13),
    "a squeeze": ("Squeeze", [random(1, 3, 1)], {"axes": [-1]}, 11),
    "a squeeze of all": ("Squeeze", [random(1, 3, 1)], {}, 13),
    "a squeeze of an empty list of axes": ("Squeeze", [random(1, 3, 1), np.zeros(0, np.int64)], {}, 13),
    "a difference": ("Sub", [FLOAT, FLOAT[1]], {}, 14),
    "tiles": ("Tile", [FLOAT, np.array([2, 3])], {}, 13),
    "a transpose": ("Transpose", [random(2, 3, 4)], {"perm": [2, 0, 1]}, 13),
    "a reversed transpose": ("Transpose", [random(2, 3, 4)], {}, 13),
    "new axes": ("Unsqueeze", [FLOAT, np.array([0, -1])], {}, 13),
    "old new axes": ("Unsqueeze", [FLOAT], {"axes": [1]}, 11),
    "a choice": ("Where", [np.array([[True], [False]]), FLOAT, FLOAT[1]], {}, 16),
}  # fmt: skip


def fold(operator, constants, opset=13, **attributes):
    """Return the value of one node whose inputs are constants."""
    names = [f"c{i}" for i in range(len(constants))]
    made = node(operator, names, ["y"], **attributes)
    draft = Draft(collections.Counter(names), ["y"], messages.Source("file", None, []), own=False, most=2**31)
    draft.values.update(zip(names, map(np.asarray, constants), strict=True))
    return folding.fold(Node(draft, names, ["y"], messages.attributes(made), opset), operator)


def runtime(operator, constants, opset, attributes):
    """Return what ONNX Runtime computes."""
    onnxruntime = pytest.importorskip("onnxruntime")
    names = [f"c{i}" for i in range(len(constants))]
    made = node(operator, names, ["y"], **attributes)
    arrays = [tensor(np.asarray(array), name) for name, array in zip(names, constants, strict=True)]
    graph = onnx.helper.make_graph([made], "g", [], [onnx.ValueInfoProto(name="y")], arrays)
    whole = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(whole.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {})[0]


@pytest.mark.parametrize("case", CASES)
def test_folded_constants_are_bit_identical_to_onnx_runtime(case):
    operator, constants, attributes, opset = CASES[case]
    folded = fold(operator, constants, opset, **attributes)
    expected = runtime(operator, constants, opset, attributes)
    assert (folded.dtype, folded.shape) == (expected.dtype, expected.shape)
    assert folded.tobytes() == expected.tobytes()


def test_every_folded_operator_has_a_case():
    assert {operator for operator, *_ in CASES.values()} | {"Constant"} == set(folding.FOLDED)


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=4), st.data())
def test_random_slices_match_onnx_runtime(axes, data):
    shape = data.draw(st.lists(st.integers(1, 4), min_size=len(axes), max_size=4))
    extent = st.sampled_from([-(2**62), -5, -2, -1, 0, 1, 2, 3, 2**62])
    count = data.draw(st.integers(1, len(shape)))
    axes = data.draw(st.permutations(range(len(shape))))[:count]
    parts = [data.draw(st.lists(values, min_size=count, max_size=count))
             for values in (extent, extent, st.sampled_from([1, -1, 2, -3]))]  # fmt: skip
    constants = [random(*shape), *map(np.array, (parts[0], parts[1], axes, parts[2]))]
    assert np.array_equal(fold("Slice", constants), runtime("Slice", constants, 13, {}))


def conv_with(nodes, arrays, **settings):
    """Return a network whose convolution gets its weight from some nodes."""
    return network([*nodes, node("Conv", ["x", "w"], ["y"])], (4, 5, 5), arrays, **settings)


BFLOAT16 = onnx.helper.make_tensor("h", onnx.TensorProto.BFLOAT16, [3, 4, 1, 1], np.linspace(-2, 2, 12).tolist())


def test_half_and_bfloat16_weights_become_float32(tmp_path):
    weight = random(3, 4, 1, 1, dtype=np.float16)
    for nodes in ([node("Cast", ["h"], ["w"], to=1)], [node("Identity", ["h"], ["w"])]):
        graph = read(conv_with(nodes, {"h": weight}), tmp_path).graph
        assert np.array_equal(graph.params["y/weight"], weight.astype(np.float32))
        whole = conv_with(nodes, {})
        whole.graph.initializer.append(BFLOAT16)
        graph = read(whole, tmp_path).graph
        assert graph.params["y/weight"].dtype == np.float32
        assert np.array_equal(graph.params["y/weight"], onnx.numpy_helper.to_array(BFLOAT16).astype(np.float32))


def test_layers_of_views_of_one_constant_get_separate_arrays(tmp_path):
    nodes = [
        node("Neg", ["a"], ["w"]),
        node("Transpose", ["w"], ["v"], perm=[1, 0, 2, 3]),
        node("Identity", ["w"], ["u"]),
        *(node("Conv", [x, w], [y]) for x, w, y in ("xwp", "pvq", "quy")),
    ]
    graph = read(network(nodes, (4, 5, 5), {"a": random(4, 4, 1, 1)}), tmp_path).graph
    arrays = list(graph.params.values())
    assert len(arrays) == 3
    assert not any(np.shares_memory(a, b) for i, a in enumerate(arrays) for b in arrays[:i])
    assert all(array.flags.writeable and array.flags.c_contiguous for array in arrays)


LARGE = {  # {description: (operator, constants, attributes)}; each asks for far more than its inputs have
    "a filled shape": ("ConstantOfShape", [np.array([2**40])], {}),
    "a shape that overflows": ("ConstantOfShape", [np.array([2**62, 4])], {}),
    "an expansion": ("Expand", [FLOAT[:1, :1], np.array([2**20, 2**20])], {}),
    "tiles": ("Tile", [INT, np.array([2**40])], {}),
    "a range": ("Range", [np.array(0), np.array(2**50), np.array(1)], {}),
    "gathered values": (
        "Gather", [np.broadcast_to(INT, (2**14, 4)), np.broadcast_to(np.array(0), (2**27,))], {},
    ),
    "a concat": ("Concat", [np.broadcast_to(INT, (2**25, 4))] * 9, {"axis": 0}),
    "a sum": ("Add", [np.zeros((2**20, 1), np.int64), np.zeros(2**20, np.int64)], {}),
    "a choice": ("Where", [np.ones((2**20, 1), bool), np.zeros(2**20), np.zeros(1)], {}),
    "a dequantised tensor": ("DequantizeLinear", [np.broadcast_to(np.int8(0), 2**29), np.float32(1)], {}),
    "a cast": ("Cast", [np.broadcast_to(np.int8(0), 2**29)], {"to": 7}),
    "batch sizes": ("Tile", [np.array([folding.BATCH]), np.array([2**20])], {}),
}  # fmt: skip


@pytest.mark.parametrize("case", LARGE)
def test_large_results_are_rejected_before_they_are_allocated(case, monkeypatch):
    operator, constants, attributes = LARGE[case]

    def allocated(*arguments, **settings):
        raise AssertionError("an array was allocated")

    for name in ("tile", "arange", "concatenate", "take", "where"):
        monkeypatch.setattr(folding.np, name, allocated)
    with pytest.raises(ValueError, match=r"its output would have the shape|more than 2,147,483,648 bytes of arrays"):
        fold(operator, constants, **attributes)


def test_folded_arrays_count_towards_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr("minigooglenet.weights.contents.MOST_BYTES", 10_000)
    names = ["a", *(f"t{i}" for i in range(30)), "w"]
    nodes = [node("Neg", [a], [b]) for a, b in itertools.pairwise(names)]
    with pytest.raises(WeightsError, match="its nodes read more than 10,000 bytes of arrays"):
        read(conv_with(nodes, {"a": random(25, 4, 1, 1)}), tmp_path)


@pytest.mark.parametrize(
    ("operator", "constants", "attributes", "reason"),
    [
        ("Div", [INT, np.array(0)], {}, "its inputs do not fit: division by 0"),
        ("Add", [INT, FLOAT], {}, "shape mismatch|do not fit"),
        ("Add", [INT, INT.astype(np.float32)], {}, "its inputs do not fit: int64 and float32"),
        ("Gather", [INT, np.array(9)], {}, "its inputs do not fit"),
        ("Reshape", [INT, np.array([3, 3])], {}, "cannot reshape"),
        ("Transpose", [FLOAT], {"perm": [0, 0]}, r"its axes are \[0, 0\]"),
        ("Concat", [FLOAT, INT], {"axis": 7}, r"its axes are \[7\], but its input has 2 axes"),
        ("Squeeze", [FLOAT, np.array([0])], {}, "cannot select an axis to squeeze"),
        ("Unsqueeze", [FLOAT, np.arange(9)], {}, "its output would have 11 axes"),
        ("Reshape", [INT, np.ones(2000, np.int64)], {}, "its shape has 2,000 values, more than 1,000"),
        ("Cast", [FLOAT], {"to": 17}, "dtype FLOAT8E4M3FN; readable are"),
        ("ReduceProd", [FLOAT], {}, "only a product of integers is exact"),
        ("Range", [np.float32(0), np.float32(1), np.float32(0.1)], {}, "only a range of integers is exact"),
        ("Mul", [np.array([folding.BATCH]), np.array([2])], {}, "it computes with the batch size"),
        ("Cast", [np.array([folding.BATCH])], {"to": 1}, "it computes with the batch size"),
        ("Expand", [INT[:1], np.array([folding.BATCH])], {}, "it computes with the batch size"),
    ],
)
def test_inputs_that_do_not_fit_are_rejected(operator, constants, attributes, reason):
    with pytest.raises(ValueError, match=reason):
        fold(operator, constants, **attributes)


def test_constants_that_are_not_folded_are_named(tmp_path):
    whole = conv_with([node("Exp", ["a"], ["w"])], {"a": random(3, 4, 1, 1)})
    with pytest.raises(WeightsError, match=r"Exp \(1 node, 'w'\): its inputs are constant, but it is not one of"):
        read(whole, tmp_path)
    whole = conv_with([node("Transpose", ["a"], ["w"], perm=[3, 3, 3, 3])], {"a": random(3, 4, 1, 1)})
    with pytest.raises(WeightsError, match=r"Transpose \(1 node, 'w'\): its axes are \[3, 3, 3, 3\]"):
        read(whole, tmp_path)
    whole = conv_with([node("Neg", ["a"], ["w"], axis=1)], {"a": random(3, 4, 1, 1)})
    with pytest.raises(WeightsError, match=r"Neg \(1 node, 'w'\): attribute axis is unknown"):
        read(whole, tmp_path)
