"""Export of a network as an ONNX model, node by node.

Each node of the graph becomes one ONNX node. The ONNX node and the tensor that it writes have the name of the node; an
array is named "node/weight", as in `graph.params`. So viewers show the same names as print(graph).
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata as installed
from typing import TYPE_CHECKING

import numpy as np

from minigooglenet import checks, files, layers
from minigooglenet.data.pixels import Pixels
from minigooglenet.graph import Graph
from minigooglenet.typing import PathLike
from minigooglenet.weights.onnx import later_layers, metadata, own_layers
from minigooglenet.weights.onnx.messages import onnx
from minigooglenet.weights.onnx.own_methods import check_methods
from minigooglenet.weights.onnx.windows import ADAPTIVE, adaptive_means

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

OPSET, IR_VERSION = 22, 10  # the last change of these operators; newer opsets only add dtypes that no layer has
MOST_BYTES = 2**31 - 2**24  # the limit of protobuf, minus space for names and settings


def export(
    graph: Graph,
    path: PathLike,
    *,
    outputs: str | Sequence[str] | None = None,
    pixels: Pixels | None = None,
    classes: Sequence[str] | None = None,
) -> None:
    """Write the network in inference mode to an ONNX file, atomically.

    A float64 network stays float64, which not every engine supports (ONNX Runtime has no such convolution). ONNX stores
    hyperparameters such as epsilon as float32.

    Parameters
    ----------
    graph : the network
    path : file to write
    outputs : wires that the file returns, in this order, the main one first (default: `graph.outputs`)
    pixels : how images become inputs
    classes : class names of the main output

    Raises
    ------
    ValueError
        If ONNX has no operator for a node, or the network is too large for an ONNX file.

    Examples
    --------
    >>> import os, tempfile
    >>> import minigooglenet as mg
    >>> g = mg.models.mini_googlenet(num_classes=2, width=0.25)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     mg.weights.onnx.export(g, os.path.join(folder, "net.onnx"))
    ...     os.listdir(folder)
    ['net.onnx']
    """
    data = model(graph, outputs=outputs, pixels=pixels, classes=classes).SerializeToString()
    with files.atomic(path) as file:
        file.write(data)


def model(
    graph: Graph,
    *,
    outputs: str | Sequence[str] | None = None,
    batch: int | str = "N",
    pixels: Pixels | None = None,
    classes: Sequence[str] | None = None,
) -> ModelProto:
    """Return the network in inference mode as an onnx.ModelProto.

    Parameters
    ----------
    graph : the network
    batch : fixed batch size, or a name for batches of any size
    outputs, pixels, classes : as in `export`

    Examples
    --------
    >>> import minigooglenet as mg
    >>> g = mg.models.mini_googlenet(num_classes=2, width=0.25)
    >>> [node.op_type for node in mg.weights.onnx.model(g).graph.node[:3]]
    ['Conv', 'BatchNormalization', 'Relu']
    """
    library = onnx()
    helper = library.helper
    outputs, assigned = _outputs(graph, outputs)
    schedule = [name for name, _ in graph.schedule(outputs)]
    dtype = _dtype(graph, schedule)
    nodes: list[NodeProto] = []
    arrays: dict[str, np.ndarray] = {}
    for name in schedule:
        layer, wires = graph.nodes[name]
        shapes = [graph.shapes[wire] for wire in wires]
        several = own_layers.operators(layer, name, wires, shapes, graph.shapes) or _operators(graph, name)
        if several:
            written, constants = several
            nodes += [helper.make_node(kind, i, [o], name=o, doc_string=repr(layer), **a) for kind, i, o, a in written]
            arrays |= constants
            continue
        operator, layer_arrays, attributes = _operator(graph, name)
        layer_arrays = {own_layers.free(f"{name}/{key}", graph.shapes): value for key, value in layer_arrays.items()}
        arrays |= layer_arrays
        nodes.append(
            helper.make_node(operator, [*wires, *layer_arrays], [name], name=name, doc_string=repr(layer), **attributes)
        )
    inputs = [wire for wire in graph.inputs if any(wire in graph.nodes[name].wires for name in schedule)]

    def tensors(wires):
        number = library.TensorProto.DOUBLE if dtype == np.float64 else library.TensorProto.FLOAT
        return [helper.make_tensor_value_info(wire, number, [batch, *graph.shapes[wire]]) for wire in wires]

    onnx_graph = helper.make_graph(
        nodes,
        graph.made_by[0] if graph.made_by else "network",
        tensors(inputs),
        tensors(outputs),
        doc_string=repr(graph),
        value_info=tensors(name for name in schedule if name not in outputs),
    )
    proto = helper.make_model(onnx_graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    for key, value in arrays.items():  # added directly, because the helpers would copy gigabytes
        value = np.asarray(checks.unmasked(value, repr(key)), dtype if value.dtype.kind == "f" else None, order="C")
        proto.graph.initializer.append(library.numpy_helper.from_array(value, key))
    proto.producer_name, proto.producer_version = metadata.PRODUCER, installed.version("minigooglenet")
    helper.set_model_props(proto, metadata.pack(graph, outputs, assigned, pixels, classes))
    return proto


def _outputs(graph, outputs):
    """Return (output wires, whether they were chosen, in which case the first is the main one)."""
    if outputs is None and graph.assigned_outputs is None:
        wires, assigned = tuple(wire for wire in graph.outputs if wire in graph.nodes), False
    else:
        outputs = graph.outputs if outputs is None else outputs
        wires, assigned = (outputs,) if isinstance(outputs, str) else tuple(outputs), True
    for wire in wires:
        graph.shape(wire)  # raises an error with a suggestion for an unknown wire
    if not wires or any(wire in graph.inputs for wire in wires):
        raise ValueError(f"outputs must be computed wires, not inputs, got {wires} of {graph!r}")
    if len(set(wires)) < len(wires):
        raise ValueError(f"outputs must be distinct, got {wires}")
    return wires, assigned


def _dtype(graph, schedule):
    """Return the dtype of the model, after checking that its arrays fit in a file."""
    views = graph.params, graph.buffers
    arrays = [value for view in views for key, value in view.items() if key.rpartition("/")[0] in schedule]
    dtype = np.result_type(np.float32, *{value.dtype for value in arrays})
    if dtype.kind == "c":
        raise ValueError("ONNX operators do not support complex numbers. Try graph.astype(np.float32) first.")
    size = sum(value.size for value in arrays) * dtype.itemsize
    if size > MOST_BYTES:
        raise ValueError(f"an ONNX file has at most 2 GB, but the parameters of {graph!r} take {size:,} bytes")
    return dtype


def _operators(graph, name):
    """Return what `own_layers.written_by` returns for a node of `later_layers`, or None."""
    layer, wires = graph.nodes[name]
    writer = _checked(graph, name, later_layers.WRITERS)
    shapes = [graph.shapes[wire] for wire in wires]
    return writer and own_layers.written_by(writer, layer, name, wires, shapes, graph.shapes)


def _checked(graph, name, functions):
    """Return the function of the class of a node's layer, or of its base class, or None.

    A subclass is written as its base class, after checking that it computes the same.
    """
    layer, wires = graph.nodes[name]
    shapes = [graph.shapes[wire] for wire in wires]
    for cls in type(layer).__mro__:
        if cls in functions:
            try:
                if tuple(layer.output_shape(*shapes)) != graph.shapes[name]:
                    raise ValueError(
                        f"a setting was changed after the node was added with the shape {graph.shapes[name]}"
                    )
                check_methods(layer, cls, shapes)
            except (ValueError, TypeError) as error:
                raise ValueError(f"node {name!r}: {error}") from error
            return functions[cls]
    return None


def _operator(graph, name):
    """Return (operator, {name: array}, attributes) of a node."""
    layer, wires = graph.nodes[name]
    function = _checked(graph, name, _OPERATORS)
    if function is not None:
        try:
            return function(layer, graph.shapes[wires[0]])
        except (ValueError, TypeError) as error:
            raise ValueError(f"node {name!r}: {error}") from error
    raise ValueError(
        f"node {name!r}: no ONNX operator is registered for {type(layer).__name__}. "
        f"Register one with @minigooglenet.weights.onnx.register({type(layer).__name__})."
    )


def _arrays(layer, *names):
    """Return {name: array} in the order of the operator inputs, without arrays that the layer lacks."""
    arrays = {**layer.params, **layer.buffers}
    return {name: arrays[name] for name in names if name in arrays}


def _window(layer):
    (top, bottom), (left, right) = layer.padding
    return {"kernel_shape": layer.kernel_size, "strides": layer.stride, "pads": (top, left, bottom, right)}


def _norm(layer, shape):
    attributes = {"epsilon": layer.eps, "momentum": 1 - layer.momentum}  # in ONNX it is the fraction of the old value
    return "BatchNormalization", _arrays(layer, "weight", "bias", "running_mean", "running_var"), attributes


def _response_norm(layer, shape):
    if layer.size % 2 == 0:
        raise ValueError(
            f"size must be odd, got {layer.size}: an even window extends one channel further down in this package, but "
            "one further up in ONNX"
        )
    return "LRN", {}, {"size": layer.size, "alpha": layer.alpha, "beta": layer.beta, "bias": layer.k}


def _average(layer, shape):
    # ONNX Runtime 1.31 uses the same divisor, also in ceil mode and with padding; opsets before 19 did not define it.
    modes = {"ceil_mode": int(layer.ceil_mode), "count_include_pad": int(layer.count_include_pad)}
    return "AveragePool", {}, {**_window(layer), **modes}


def _adaptive(layer, shape):
    # No ONNX pool has such windows. The means over rows and columns are a product with a matrix on each side.
    sides = zip(("rows", "columns"), adaptive_means(shape[1:], layer.output_size), strict=True)
    return "Einsum", dict(sides), {"equation": ADAPTIVE}


# {class: function (layer, input shape) -> (operator, {name: array} in the order of its inputs, attributes)}
_OPERATORS = {
    layers.Conv2d: lambda layer, _: (
        "Conv",
        _arrays(layer, "weight", "bias"),
        {**_window(layer), "dilations": layer.dilation, "group": layer.groups},
    ),
    layers.MaxPool2d: lambda layer, _: ("MaxPool", {}, {**_window(layer), "ceil_mode": int(layer.ceil_mode)}),
    layers.AvgPool2d: _average,
    layers.AdaptiveAvgPool2d: _adaptive,
    # GlobalAveragePool would keep two axes of length 1.
    layers.GlobalAvgPool2d: lambda layer, _: ("ReduceMean", {"axes": np.array([2, 3])}, {"keepdims": 0}),
    layers.LocalResponseNorm: _response_norm,
    layers.BatchNorm2d: _norm,
    layers.Linear: lambda layer, _: ("Gemm", _arrays(layer, "weight", "bias"), {"transB": 1}),
    layers.ReLU: lambda layer, _: ("Relu", {}, {}),
    layers.Dropout: lambda layer, _: ("Dropout", {"ratio": np.array(layer.p)}, {}),
    layers.Flatten: lambda layer, _: ("Flatten", {}, {"axis": 1}),
    layers.Softmax: lambda layer, _: ("Softmax", {}, {"axis": 1}),
    layers.Concat: lambda layer, _: ("Concat", {}, {"axis": 1}),
    layers.Add: lambda layer, _: ("Sum", {}, {}),
}
