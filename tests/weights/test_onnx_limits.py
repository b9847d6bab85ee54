"""ONNX files with excessive sizes are rejected before they are parsed, and arrays are read directly from the file."""

from pathlib import Path

import numpy as np
import pytest
import weight_bombs
from onnx_made import network, node, onnx, random, read

from minigooglenet.weights.contents import WeightsError
from minigooglenet.weights.onnx import import_graph, walk

REJECTED = {
    "an Einsum of columns": "its matrices are not those of adaptive average pooling",
    "an Einsum with a long equation": "attribute equation is 'a,",
    "empty nodes": "more than 1,000 fields",
    "empty attributes": "more than 1,000 fields",
    "empty inputs of a node": "more than 1,000 fields",
    "empty values": "more than 1,000 fields",
    "empty opsets": "more than 1,000 fields",
    "graphs in graphs": "nested more than 20 levels deep",
    "a shape without values": "declare 1,099,511,627,776 values so far, more than 268,435,456",
    "a long list of padding": "attribute kernel_shape must have 2 values",
    "a deep property": "its property 'classes' is not JSON",
    "a filled weight": r"its nodes read more than 671,\d{3},\d{3} bytes of arrays",
    "a weight of an impossible size": r"ConstantOfShape .* its output would have the shape \(1099511627776, ",
    "large constants computed again and again": r"its nodes read more than 671,\d{3},\d{3} bytes of arrays",
    "scales of many channels": r"its nodes read more than 67\d,\d{3},\d{3} bytes of arrays",
    "splits into many parts": "it needs more than 10,000 layers",
    "an input of many axes": "input 'x' has 100001 axes, more than 8",
}
LONG = (
    "splits into many parts",
    "scales of many channels",
    "an input of many axes",
)  # fields that a network could have


@pytest.mark.parametrize("name", REJECTED)
def test_small_onnx_bombs_are_rejected(name, tmp_path, monkeypatch):
    monkeypatch.setattr(walk, "MOST_FIELDS", walk.MOST_FIELDS if name in LONG else 1_000)
    (tmp_path / "net.onnx").write_bytes(weight_bombs.NETWORKS[name]())
    with pytest.raises(WeightsError, match=f"(?s)cannot read .*{REJECTED[name]}"):
        import_graph(tmp_path / "net.onnx")


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_imported_arrays_match_the_file(dtype, tmp_path):
    weight, bias = random(5, 4, 3, 2).astype(dtype), random(5).astype(dtype)
    constant = node("Constant", [], ["b"], value=onnx.numpy_helper.from_array(bias))
    conv = node("Conv", ["x", "w", "b"], ["y"])
    graph = read(network([constant, conv], arrays={"w": weight}), tmp_path).graph
    arrays = graph.params["y/weight"], graph.params["y/bias"]
    for array, expected in zip(arrays, (weight, bias), strict=True):
        kept = np.result_type(np.float32, dtype)
        assert array.dtype == kept
        assert np.array_equal(array, expected.astype(kept))
        assert array.flags.writeable


def test_consumers_of_one_array_get_copies(tmp_path):
    nodes = [node("Conv", ["x", "w"], ["a"]), node("Conv", ["x", "w"], ["b"]), node("Add", ["a", "b"], ["y"])]
    params = read(network(nodes, arrays={"w": random(4, 4, 1, 1)}), tmp_path).graph.params
    assert np.array_equal(params["a/weight"], params["b/weight"])
    assert not np.shares_memory(params["a/weight"], params["b/weight"])


def test_content_without_values_parses_to_equal_nodes(tmp_path):
    whole = network([node("Conv", ["x", "w"], ["y"])], arrays={"w": random(4, 4, 1, 1)})
    (tmp_path / "net.onnx").write_bytes(whole.SerializeToString())
    with (tmp_path / "net.onnx").open("rb") as file:
        walked = walk.walk(file, onnx.ModelProto.DESCRIPTOR)
    parsed = onnx.ModelProto.FromString(walked.content)
    (offset, length), raw = walked.spans[0], whole.graph.initializer[0].raw_data
    assert (tmp_path / "net.onnx").read_bytes()[offset : offset + length] == raw
    parsed.graph.initializer[0].raw_data = raw
    assert parsed == whole


def test_import_limits_the_number_of_values(tmp_path):
    for side, message in ((2**14, "but"), (2**14 + 1, "more than 268,435,456")):
        tensor = weight_bombs.field(1, side) + weight_bombs.field(1, 2**14) + weight_bombs.field(2, 1)
        graph = weight_bombs.field(5, tensor + weight_bombs.field(8, b"w") + weight_bombs.field(9, bytes(4)))
        relu = weight_bombs._graph(weight_bombs._node(b"Conv", [b"x", b"w"]))
        (tmp_path / "net.onnx").write_bytes(weight_bombs.model(graph + relu))
        with pytest.raises(WeightsError, match=message):
            import_graph(tmp_path / "net.onnx")


def test_vgg19_is_within_the_limits(tmp_path):
    path = Path(onnx.__file__).parent / "backend/test/data/light/light_vgg19.onnx"
    if not path.is_file():
        pytest.skip("this onnx package has no light models")
    with path.open("rb") as file:
        assert len(walk.walk(file, onnx.ModelProto.DESCRIPTOR).content) < 20_000
