"""ONNX networks as other programs may write them, from operators that a test chooses."""

import numpy as np
import pytest

from minigooglenet.weights.onnx import import_graph

onnx = pytest.importorskip("onnx")

FLOAT = onnx.TensorProto.FLOAT
node = onnx.helper.make_node


def random(*shape, dtype=np.float32):
    return np.random.default_rng([2, *shape]).standard_normal(shape).astype(dtype)


def network(nodes, shape=(4, 7, 6), arrays=None, *, opset=22, batch="N", outputs=("y",), ir=10, also_inputs=()):
    """Return a ModelProto with nodes that read "x" and the named arrays."""
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        list(nodes),
        "from elsewhere",
        [value("x", FLOAT, [batch, *shape]), *(value(name, FLOAT, arrays[name].shape) for name in also_inputs)],
        [value(name, FLOAT, None) for name in outputs],
        [onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in (arrays or {}).items()],
    )
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=ir)


def read(whole, tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(whole if isinstance(whole, bytes) else whole.SerializeToString())
    return import_graph(path)


def runtime(whole, x):
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(whole.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})[0]


def require_as_runtime(whole, tmp_path, batch=2):
    """Import a network, compare its main output with ONNX Runtime, and return it."""
    graph = read(whole, tmp_path).graph
    x = random(batch, *graph.shapes["x"])
    expected, actual = runtime(whole, x), graph(x)
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5 * np.abs(expected).max())
    return graph
