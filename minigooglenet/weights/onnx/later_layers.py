"""The layers of later networks as ONNX operators, in the format of `own_layers`, and single operators as layers."""

import math

import numpy as np

from minigooglenet import layers
from minigooglenet.weights.onnx.node import UnknownShape, decimal


def _clip(layer, x_shape):
    low, high = (np.float64(value) for value in layer.parameters)  # infinite without a bound
    return [("Clip", ("x", low, high), "y")]


def _silu(layer, x_shape):
    return [("Sigmoid", ("x",), "gate"), ("Mul", ("x", "gate"), "y")]  # Swish exists since opset 24


def _scale(layer, x_shape):
    arrays = {**layer.params, **layer.buffers}
    per_channel = {name: value.reshape(-1, *[1] * (len(x_shape) - 1)) for name, value in arrays.items()}
    if "bias" not in arrays:
        return [("Mul", ("x", per_channel["weight"]), "y")]
    return [("Mul", ("x", per_channel["weight"]), "product"), ("Add", ("product", per_channel["bias"]), "y")]


def _multiply(layer, *x_shapes):
    rank = max(map(len, x_shapes))
    written, factors = [], []
    for i, shape in enumerate(x_shapes):
        factors.append(f"x{i}")
        if len(shape) < rank:  # ONNX would add the missing axes in front
            factors[i] = f"gates{i}"
            axes = np.arange(len(shape) + 1, rank + 1)
            written.append(("Unsqueeze", (f"x{i}", axes), factors[i]))
    product, *others = factors
    for i, factor in enumerate(others):
        output = "y" if i == len(others) - 1 else f"product{i}"
        written.append(("Mul", (product, factor), output))
        product = output
    return written


def _global_max(layer, x_shape):
    # GlobalMaxPool would keep two axes of length 1.
    return [("ReduceMax", ("x", np.array([2, 3])), "y", {"keepdims": 0})]


def _pad(layer, x_shape):
    (top, bottom), (left, right) = layer.padding
    pads = np.array([0, 0, top, left, 0, 0, bottom, right])
    return [("Pad", ("x", pads, np.float64(layer.value)), "y", {"mode": "constant"})]


def _channel_shuffle(layer, x_shape):
    channels, *size = x_shape
    matrix = np.array([0, layer.groups, channels // layer.groups, *size])  # 0: the batch, as it is
    order = 0, 2, 1, *range(3, 3 + len(size))
    return [
        ("Reshape", ("x", matrix), "matrix"),
        ("Transpose", ("matrix",), "transposed", {"perm": order}),
        ("Reshape", ("transposed", np.array([0, channels, *size])), "y"),
    ]


# {class: function (layer, *input shapes) -> [(operator, inputs, output, attributes)]}
WRITERS = {
    layers.Clip: _clip,
    layers.LeakyReLU: lambda layer, _: [("LeakyRelu", ("x",), "y", {"alpha": layer.slope})],
    layers.Sigmoid: lambda layer, _: [("Sigmoid", ("x",), "y")],
    layers.Tanh: lambda layer, _: [("Tanh", ("x",), "y")],
    layers.HardSwish: lambda layer, _: [("HardSwish", ("x",), "y")],
    layers.SiLU: _silu,
    layers.Scale: _scale,
    layers.Multiply: _multiply,
    layers.GlobalMaxPool2d: _global_max,
    layers.Pad: _pad,
    layers.ChannelShuffle: _channel_shuffle,
}


def _read_clip(node):
    if node.opset < 11:
        bounds = [node.setting(name, math.copysign(math.inf, sign)) for name, sign in (("min", -1), ("max", 1))]
    else:
        arrays = [node.array(index, name) for index, name in ((1, "minimum"), (2, "maximum"))]
        if any(array is not None and (array.dtype.kind != "f" or array.size != 1) for array in arrays):
            raise ValueError("its bounds must be single floats")
        bounds = [math.inf if array is None else float(array.item()) for array in arrays]
    # The largest float32 is how files before opset 11 write "unbounded".
    low, high = (None if abs(bound) >= np.finfo(np.float32).max else decimal(bound) for bound in bounds)
    return layers.ReLU6() if (low, high) == (0, 6) else layers.Clip(low, high)


def _read_mul(node):
    constants = [index for index, value in enumerate(node.inputs) if isinstance(value, np.ndarray)]
    if constants:
        return _read_factor(node, constants[0])
    if any(wire.shape is None for wire in node.wires):
        raise UnknownShape
    if len({len(wire.shape) for wire in node.wires}) > 1:
        shapes = " and ".join(str(wire.shape) for wire in node.wires)
        raise ValueError(f"its inputs have different numbers of axes: {shapes} without the batch axis")
    return layers.Multiply()


def _read_factor(node, index):
    """Return a Scale for a constant factor: one number, or one number per channel."""
    factor = node.weights(index, "factor", None)
    (wire,) = node.wires
    if wire.shape is None:
        raise UnknownShape
    values = _per_channel(factor, "factor", wire.shape)
    # One number is a constant of the network, such as the factor of a residual branch.
    layer = layers.Scale(len(values), bias=False, trained=factor.size > 1)
    arrays = layer.params if layer.trained else layer.buffers
    arrays["weight"] = values
    return layer


def add_bias(wire, bias):
    """Set the bias of the Scale that writes a wire, from one number or one number per channel."""
    layer = wire.layer
    arrays = layer.params if layer.trained else layer.buffers
    arrays["bias"] = _per_channel(bias, "bias", wire.shape)


def _per_channel(values, name, shape):
    channels, *size = shape
    expected = channels, *[1] * len(size)
    if values.size != 1 and values.shape not in (expected, (1, *expected)):
        raise ValueError(f"its {name} has the shape {values.shape}; supported are one number and {expected}")
    return np.broadcast_to(values.ravel(), (channels,)).copy()


def _read_global_max_pool(node):
    shape = node.shape()
    if len(shape) != 3:
        raise ValueError(f"its input must be a feature map (C, H, W), got {shape}")
    return layers.MaxPool2d(shape[1:], stride=1)  # ONNX keeps both axes


def _read_reduce_max(node):
    if len(node.shape()) != 3 or node.axes() != (2, 3):
        raise ValueError(f"it reduces the axes {node.axes()}; only (2, 3) of a feature map is supported")
    return _read_global_max_pool(node) if node.setting("keepdims", 1) else layers.GlobalMaxPool2d()


def _read_pad(node):
    node.only("mode", "constant")
    shape = node.shape()
    pads = node.array(1, "padding") if node.opset >= 11 else node.attributes.get("pads")
    value = node.array(2, "value") if node.opset >= 11 else node.setting("value", 0.0)
    if node.array(3, "axes") is not None:
        raise ValueError("it lists the axes that it pads, which is not supported")
    sides = [int(side) for side in np.ravel(pads)] if pads is not None else []
    if len(shape) != 3 or len(sides) != 8 or any(sides[:2] + sides[4:6]) or min(sides) < 0:
        raise ValueError(f"it pads (N, {', '.join(map(str, shape))}) by {sides}; only rows and columns can be padded")
    _, _, top, left, _, _, bottom, right = sides
    return layers.Pad(((top, bottom), (left, right)), 0.0 if value is None else float(np.ravel(value)[0]))


# {operator: (function, supported attributes)}, as in `operators`
OPERATORS = {
    "Clip": (_read_clip, {"min", "max"}),
    "LeakyRelu": (lambda node: layers.LeakyReLU(node.number("alpha", 0.01)), {"alpha"}),
    "Sigmoid": (lambda node: layers.Sigmoid(), set()),
    "Tanh": (lambda node: layers.Tanh(), set()),
    "HardSwish": (lambda node: layers.HardSwish(), set()),
    "Mul": (_read_mul, set()),
    "GlobalMaxPool": (_read_global_max_pool, set()),
    "ReduceMax": (_read_reduce_max, {"axes", "keepdims", "noop_with_empty_axes"}),
    "Pad": (_read_pad, {"mode", "pads", "value"}),
}
