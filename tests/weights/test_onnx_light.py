"""The nine networks that the onnx package ships import and reproduce their outputs.

Their weights are made by ConstantOfShape, from 0.02, so that each file is small and each output is one number. So they
are compared again with random weights, as logits, with ONNX Runtime.
"""

from pathlib import Path

import numpy as np
import pytest
from onnx_made import onnx

import minigooglenet as mg
from minigooglenet.weights.onnx import import_graph

FOLDER = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
NAMES = ("bvlc_alexnet", "densenet121", "inception_v1", "inception_v2", "resnet50", "shufflenet", "squeezenet")
NAMES = (*NAMES, "vgg19", "zfnet512")
WIDE, THIN = 4096, 64  # outputs of the first linear layers; with random weights, fewer are enough

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="this onnx package has no light models")


def path_of(name):
    return FOLDER / f"light_{name}.onnx"


@pytest.mark.parametrize("name", NAMES)
def test_light_model_reproduces_its_output(name):
    graph = import_graph(path_of(name)).graph
    (shape,) = graph.inputs.values()
    x = (
        (np.arange(np.prod(shape)) / np.prod(shape)).astype(np.float32).reshape(1, *shape)
    )  # as the onnx package's runner
    expected = onnx.numpy_helper.to_array(onnx.load_tensor(FOLDER / f"light_{name}_output_0.pb"))
    actual = graph(x)
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=1e-4)


def with_random_weights(whole):
    """Replace the constants of a light model by random arrays, and return the inputs and outputs without a softmax."""
    graph, rng = whole.graph, np.random.default_rng(0)
    arrays = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    readers = {name: (node.op_type, index) for node in graph.node for index, name in enumerate(node.input)}
    made = {}
    for node in graph.node:
        if node.op_type == "ConstantOfShape":
            shape = [THIN if size == WIDE else int(size) for size in arrays[node.input[0]]]
            fan_in = np.prod(shape[1:]) if len(shape) > 1 else 100
            values = rng.standard_normal(shape, np.float32) * np.float32(np.sqrt(2 / fan_in))
            operator, index = readers[node.output[0]]
            if operator == "BatchNormalization" and index in (1, 4):  # weight and variance
                values = 1 + abs(values)
            made[node.output[0]] = values
    nodes = [node for node in graph.node if node.op_type != "ConstantOfShape"]
    if nodes[-1].op_type == "Softmax":
        graph.output[0].name = nodes.pop().input[0]
    used = {name for node in nodes for name in node.input}
    made |= {name: array for name, array in arrays.items() if name in used}
    graph.ClearField("node")
    graph.node.extend(nodes)
    graph.ClearField("initializer")
    graph.initializer.extend(onnx.numpy_helper.from_array(array, name) for name, array in made.items())
    inputs = [value for value in graph.input if value.name not in arrays]
    graph.ClearField("input")
    graph.input.extend(inputs)
    graph.output[0].type.tensor_type.ClearField("shape")
    whole.ir_version = 4
    return inputs[0].name


@pytest.mark.parametrize("name", NAMES)
def test_light_model_with_random_weights_matches_onnx_runtime(name, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    whole = onnx.load(path_of(name))
    entry = with_random_weights(whole)
    onnx.save(whole, tmp_path / "net.onnx")
    graph = import_graph(tmp_path / "net.onnx").graph
    (shape,) = graph.inputs.values()
    x = np.random.default_rng(1).standard_normal((1, *shape), np.float32)
    session = runtime.InferenceSession(str(tmp_path / "net.onnx"), providers=["CPUExecutionProvider"])
    expected = session.run(None, {entry: x})[0]
    assert np.ptp(expected) > 1e-3 * np.abs(expected).max()  # not one number
    for actual in (graph(x), mg.plan(graph)(x)):
        assert actual.shape == expected.shape
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-4 * np.abs(expected).max())
