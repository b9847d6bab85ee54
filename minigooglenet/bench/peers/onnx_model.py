"""The graph as an ONNX model, for the engines that read one: built node by node, without PyTorch."""

import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET, IR_VERSION = 17, 8  # what engines of the last years read


def model(graph, batch):
    """Return an onnx.ModelProto of the inference of `graph`, from its one input to its main output."""
    (image,) = graph.inputs
    output = graph.outputs[-1]
    nodes, initializers = [], []
    for name, _ in graph.schedule([output]):
        layer, wires = graph.nodes[name]
        if layer.kind not in _OPERATORS:
            raise ValueError(f"node {name!r}: the ONNX model knows no {layer.kind}")
        operator, parameters, attributes = _OPERATORS[layer.kind](layer)
        arrays = {f"{name}/{key}": value for key, value in parameters.items()}
        initializers += [numpy_helper.from_array(value, key) for key, value in arrays.items()]
        written = name if operator != "GlobalAveragePool" else f"{name}/map"
        nodes.append(helper.make_node(operator, [*wires, *arrays], [written], name=name, **attributes))
        if written != name:  # ours leaves the two axes of length 1 out
            nodes.append(helper.make_node("Flatten", [written], [name], name=f"{name}/flatten", axis=1))
    ends = [
        helper.make_tensor_value_info(wire, TensorProto.FLOAT, [batch, *graph.shapes[wire]]) for wire in (image, output)
    ]
    made = helper.make_graph(nodes, "minigooglenet", ends[:1], ends[1:], initializers)
    whole = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(whole)
    return whole


def _window(layer):
    (top, bottom), (left, right) = layer.padding
    return {"kernel_shape": layer.kernel_size, "strides": layer.stride, "pads": (top, left, bottom, right)}


def _norm(layer):
    arrays = {**layer.params, "mean": layer.buffers["running_mean"], "var": layer.buffers["running_var"]}
    return "BatchNormalization", arrays, {"epsilon": layer.eps}


def _response_norm(layer):
    return "LRN", {}, {"size": layer.size, "alpha": layer.alpha, "beta": layer.beta, "bias": layer.k}


def _average(layer):
    modes = {"ceil_mode": int(layer.ceil_mode), "count_include_pad": int(layer.count_include_pad)}
    return "AveragePool", {}, {**_window(layer), **modes}


# Kind of a layer of ours -> (operator, {name: array}, attributes)
_OPERATORS = {
    "Conv2d": lambda layer: ("Conv", layer.params, {**_window(layer), "group": layer.groups}),
    "MaxPool2d": lambda layer: ("MaxPool", {}, {**_window(layer), "ceil_mode": int(layer.ceil_mode)}),
    "AvgPool2d": _average,
    "GlobalAvgPool2d": lambda layer: ("GlobalAveragePool", {}, {}),
    "LocalResponseNorm": _response_norm,
    "BatchNorm2d": _norm,
    "Linear": lambda layer: ("Gemm", layer.params, {"transB": 1}),
    "ReLU": lambda layer: ("Relu", {}, {}),
    "Dropout": lambda layer: ("Identity", {}, {}),
    "Flatten": lambda layer: ("Flatten", {}, {"axis": 1}),
    "Softmax": lambda layer: ("Softmax", {}, {"axis": 1}),
    "Concat": lambda layer: ("Concat", {}, {"axis": 1}),
    "Add": lambda layer: ("Sum", {}, {}),
}
