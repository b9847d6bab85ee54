"""The layers of later networks as ONNX operators, in the format of `own_layers`."""

import numpy as np

from minigooglenet import layers


def _clip(layer, x_shape):
    low, high = (np.float64(value) for value in layer.parameters)  # infinite without a bound
    return [("Clip", ("x", low, high), "y")]


def _silu(layer, x_shape):
    return [("Sigmoid", ("x",), "gate"), ("Mul", ("x", "gate"), "y")]  # Swish exists since opset 24


def _scale(layer, x_shape):
    arrays = {**layer.params, **layer.buffers}
    batch = () if layer.trained else (1,)  # an axis for the batch marks what is not trained
    per_channel = {name: value.reshape(*batch, -1, *[1] * (len(x_shape) - 1)) for name, value in arrays.items()}
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


def _channel_slice(layer, x_shape):
    ends = [np.array([value]) for value in (layer.start, layer.stop, 1)]  # the last one: axis 1
    return [("Slice", ("x", *ends), "y")]


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
    layers.ChannelSlice: _channel_slice,
}
