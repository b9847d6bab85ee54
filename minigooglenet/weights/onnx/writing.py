"""A network as an ONNX model, built node by node.

One node of ours is one node there. It bears our name, and so does the tensor that it writes; an array is called
"node/weight", as in `graph.params`. Viewers thus show what print(graph) does.
"""

from importlib import metadata as installed

import numpy as np

from minigooglenet import checks, files, layers
from minigooglenet.weights.onnx import metadata, own_layers
from minigooglenet.weights.onnx.messages import onnx
from minigooglenet.weights.onnx.operators import ADAPTIVE, adaptive_means
from minigooglenet.weights.onnx.own_methods import check_methods

OPSET, IR_VERSION = 22, 10  # where these operators' numbers last changed: what is newer adds types that no layer has
MOST_BYTES = 2**31 - 2**24  # what protobuf can write, less room for names and settings


def export(graph, path, *, outputs=None, pixels=None, classes=None) -> None:
    """Write the inference of `graph` to the ONNX file `path`, all of it or nothing.

    Float64 networks stay float64; not every engine runs those (ONNX Runtime has no such convolution). ONNX keeps
    settings such as epsilon as float32.

    Parameters
    ----------
    outputs : wires that the file returns, in this order, the first the main one (default: `graph.outputs` as they are)
    pixels : data.Pixels, how images become inputs
    classes : names of the main output's classes

    Raises
    ------
    ValueError
        Naming the node that ONNX has no form for, or the size of a network that is too large for its files.
    """
    whole = model(graph, outputs=outputs, pixels=pixels, classes=classes).SerializeToString()
    with files.atomic(path) as file:
        file.write(whole)


def model(graph, *, outputs=None, batch="N", pixels=None, classes=None):
    """Return the inference of `graph` as an onnx.ModelProto, for batches of any size or of the number `batch`.

    The other parameters are those of `export`.
    """
    library = onnx()
    helper = library.helper
    outputs, assigned = _outputs(graph, outputs)
    schedule = [name for name, _ in graph.schedule(outputs)]
    dtype = _dtype(graph, schedule)
    nodes, arrays = [], {}
    for name in schedule:
        layer, wires = graph.nodes[name]
        shapes = [graph.shapes[wire] for wire in wires]
        if registered := own_layers.operators(layer, name, wires, shapes, graph.shapes):
            written, constants = registered
            nodes += [helper.make_node(kind, i, [o], name=o, doc_string=repr(layer), **a) for kind, i, o, a in written]
            arrays |= constants
            continue
        operator, own, attributes = _operator(graph, name)
        own = {own_layers.free(f"{name}/{key}", graph.shapes): value for key, value in own.items()}
        arrays |= own
        nodes.append(
            helper.make_node(operator, [*wires, *own], [name], name=name, doc_string=repr(layer), **attributes)
        )
    inputs = [wire for wire in graph.inputs if any(wire in graph.nodes[name].wires for name in schedule)]

    def tensors(wires):
        number = library.TensorProto.DOUBLE if dtype == np.float64 else library.TensorProto.FLOAT
        return [helper.make_tensor_value_info(wire, number, [batch, *graph.shapes[wire]]) for wire in wires]

    made = helper.make_graph(
        nodes,
        graph.made_by[0] if graph.made_by else "network",
        tensors(inputs),
        tensors(outputs),
        doc_string=repr(graph),
        value_info=tensors(name for name in schedule if name not in outputs),
    )
    whole = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    for key, value in arrays.items():  # put where they stay: the helpers copy what they are given, perhaps gigabytes
        value = np.asarray(checks.unmasked(value, repr(key)), dtype if value.dtype.kind == "f" else None, order="C")
        whole.graph.initializer.append(library.numpy_helper.from_array(value, key))
    whole.producer_name, whole.producer_version = metadata.PRODUCER, installed.version("minigooglenet")
    helper.set_model_props(whole, metadata.pack(graph, outputs, assigned, pixels, classes))
    return whole


def _outputs(graph, asked):
    """Return (the wires that the file returns, whether they were chosen: then the first is the main one)."""
    if asked is None and graph.assigned_outputs is None:
        wires, assigned = tuple(wire for wire in graph.outputs if wire in graph.nodes), False
    else:
        asked = graph.outputs if asked is None else asked
        wires, assigned = (asked,) if isinstance(asked, str) else tuple(asked), True
    for wire in wires:
        graph.shape(wire)  # an unknown one gets a suggestion
    if not wires or any(wire in graph.inputs for wire in wires):
        raise ValueError(f"a file's network needs outputs that it computes, got {wires} of {graph!r}")
    if len(set(wires)) < len(wires):
        raise ValueError(f"a file's network returns each output once, got {wires}")
    return wires, assigned


def _dtype(graph, schedule):
    """Return the one type of number of the whole model, once its arrays are known to fit a file."""
    views = graph.params, graph.buffers
    arrays = [value for view in views for key, value in view.items() if key.rpartition("/")[0] in schedule]
    dtype = np.result_type(np.float32, *{value.dtype for value in arrays})
    if dtype.kind == "c":
        raise ValueError("ONNX's operators take no complex numbers; perhaps graph.astype(np.float32) first?")
    size = sum(value.size for value in arrays) * dtype.itemsize
    if size > MOST_BYTES:
        raise ValueError(f"an ONNX file holds at most 2 GB, and the parameters of {graph!r} take {size:,} bytes")
    return dtype


def _operator(graph, name):
    """Return (operator, {name: array}, attributes) of a node.

    A subclass counts as the class that it builds on, once it is known to compute the same.
    """
    layer, wires = graph.nodes[name]
    shapes = [graph.shapes[wire] for wire in wires]
    for cls in type(layer).__mro__:
        if cls in _OPERATORS:
            try:
                if tuple(layer.output_shape(*shapes)) != graph.shapes[name]:
                    raise ValueError(f"a setting was changed since it was added with the shape {graph.shapes[name]}")
                check_methods(layer, cls, shapes)
                return _OPERATORS[cls](layer, shapes[0])
            except (ValueError, TypeError) as error:
                raise ValueError(f"node {name!r}: {error}") from error
    raise ValueError(
        f"node {name!r}: ONNX has no operator for a layer {type(layer).__name__}. "
        f"Register one with @minigooglenet.weights.onnx.register({type(layer).__name__})."
    )


def _arrays(layer, *names):
    """Return {name: array} in this order, that of the operator's inputs, without what the layer lacks."""
    arrays = {**layer.params, **layer.buffers}
    return {name: arrays[name] for name in names if name in arrays}


def _window(layer):
    (top, bottom), (left, right) = layer.padding
    return {"kernel_shape": layer.kernel_size, "strides": layer.stride, "pads": (top, left, bottom, right)}


def _norm(layer, shape):
    attributes = {"epsilon": layer.eps, "momentum": 1 - layer.momentum}  # ONNX's is the share that stays
    return "BatchNormalization", _arrays(layer, "weight", "bias", "running_mean", "running_var"), attributes


def _response_norm(layer, shape):
    if layer.size % 2 == 0:
        raise ValueError(
            f"a window of {layer.size} channels reaches one further down than up here, and one further up in ONNX; "
            f"only odd sizes are the same"
        )
    return "LRN", {}, {"size": layer.size, "alpha": layer.alpha, "beta": layer.beta, "bias": layer.k}


def _average(layer, shape):
    # ONNX Runtime 1.31 divides as we do, ceil windows and padding included; before opset 19 that was not defined.
    modes = {"ceil_mode": int(layer.ceil_mode), "count_include_pad": int(layer.count_include_pad)}
    return "AveragePool", {}, {**_window(layer), **modes}


def _adaptive(layer, shape):
    # No pool there places windows so; the mean over rows and over columns is a product with a matrix on each side.
    sides = zip(("rows", "columns"), adaptive_means(shape[1:], layer.output_size), strict=True)
    return "Einsum", dict(sides), {"equation": ADAPTIVE}


# Class -> a function from the layer and its input's shape to (operator, {name: array} in the order of the operator's
# inputs, attributes)
_OPERATORS = {
    layers.Conv2d: lambda layer, _: (
        "Conv",
        _arrays(layer, "weight", "bias"),
        {**_window(layer), "group": layer.groups},
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
