"""Idioms: several nodes of a file that are one layer here, or a part of the layer before them.

Exporters write the bias of a convolution as Add, Caffe's Scale layer as Mul and Add, SiLU as Sigmoid and Mul. A layer
is changed only if `Node.mergeable` allows it.
"""

import copy

import numpy as np

from minigooglenet import layers
from minigooglenet.layers import Layer
from minigooglenet.typing import Array
from minigooglenet.weights import contents
from minigooglenet.weights.onnx import layouts
from minigooglenet.weights.onnx.draft import Step, View
from minigooglenet.weights.onnx.node import Node

LINEAR = (layers.Conv2d, layers.Linear, layers.BatchNorm2d, layers.Scale)  # a factor and an offset can be part of them
SIXTH = 1 / 6


def scaled(
    node: Node, view: View, weight: Array | None = None, bias: Array | None = None, *, trained: bool = False
) -> View:
    """Return view * weight + bias, as a part of the layer before if it computes a weighted sum, else as a Scale.

    weight, bias : () or (C,), as `per_channel` returns them; None for 1 and 0
    trained : whether they are parameters
    """
    layer = view.step.layer
    if isinstance(layer, layers.Multiply) and node.mergeable(view) and bias is None and _close(weight, SIXTH):
        for x, gate in (view.step.reads, view.step.reads[::-1]):
            if _relu6_of_x_plus_3(gate, x):  # x * relu6(x + 3) / 6
                return node.add(layers.HardSwish(), view._replace(step=x), layout=view.layout)
    if isinstance(layer, LINEAR) and node.mergeable(view):
        if isinstance(layer, layers.Scale) and trained and not layer.trained:
            layer.params, layer.buffers = layer.buffers, {}
        _multiply_and_add(layer, weight, bias)
        return node.draft.alias(node.tensor, view)
    return new_scale(node, view, weight, bias, trained=trained)


def new_scale(
    node: Node, view: View, weight: Array | None, bias: Array | None = None, *, trained: bool = False, part: str = ""
) -> View:
    """Return view * weight + bias as a Scale, with the arguments of `scaled` and the name of a part of the node."""
    channels = view.step.shape[0]
    node.draft.spend(8 * channels)  # a file with one number could request any number of channels
    layer = layers.Scale(channels, bias=bias is not None, trained=trained)
    _multiply_and_add(layer, weight, bias)
    return node.add(layer, view, part=part, layout=view.layout)


def per_channel(constant: Array, view: View) -> Array:
    """Return a constant factor or summand of a view as (), or as (C,) for the channels of its step.

    Raises
    ------
    ValueError
        If the constant differs along another axis, or changes the shape.
    """
    rank = len(view.shape) + 1
    values = constant.reshape((1,) * (rank - constant.ndim) + constant.shape)
    if values.ndim > rank or any(size not in (1, of) for size, of in zip(values.shape, (1, *view.shape), strict=True)):
        text = ", ".join(map(str, view.shape))
        raise ValueError(f"its constant of shape {constant.shape} does not fit (N, {text})")
    order = layouts.order(view.layout, view.step.shape)
    for axis in range(1, rank):
        if values.shape[axis] > 1 and (order is None or order[axis - 1] != 0):
            if np.any(values != values.take([0], axis)):
                raise ValueError(
                    f"its constant of shape {constant.shape} is neither one value nor one value for each channel, and "
                    "no layer has another shape of parameters"
                )
            values = values.take([0], axis)
    return values.reshape(()) if values.size == 1 else values.ravel()


@np.errstate(over="ignore")  # the check of the values raises an error
def _multiply_and_add(layer, weight, bias):
    arrays = layer.params if "weight" in layer.params else layer.buffers
    if weight is not None:
        arrays["weight"] = arrays["weight"] * _along(weight, arrays["weight"].ndim)
        if "bias" in arrays:
            arrays["bias"] = arrays["bias"] * weight
    if bias is not None:
        before = arrays.get("bias")
        size = len(arrays["weight"])
        arrays["bias"] = np.broadcast_to(bias, size).copy() if before is None else before + bias
    for name, values in arrays.items():
        contents.check_values(name, values)


def _along(values, ndim):
    return values.reshape(-1, *[1] * (ndim - 1)) if values.ndim else values


def is_parameter(node: Node, view: View, constant: Array) -> bool:
    """Return whether a constant that scales or shifts a view is trained.

    Preprocessing of the input is not, and neither is one number, such as the factor of a residual branch. A file of
    this package marks what is not trained with an axis for the batch.
    """
    if node.draft.own:
        return constant.ndim == len(view.shape)
    step = view.step
    while isinstance(step.layer, (layers.Scale, layers.ChannelSlice)):
        step = step.reads[0]
    return constant.size > 1 and step.layer is not None


def gated(node: Node, x: View, gate: View) -> View | None:
    """Return SiLU, x * sigmoid(x), or HardSwish, x * relu6(x + 3) / 6, if the product of two views is one of them."""
    layer = gate.step.layer
    if not node.mergeable(gate) or gate.layout != x.layout:
        return None
    if isinstance(layer, layers.Sigmoid) and gate.step.reads == (x.step,):
        return node.add(layers.SiLU(), x, layout=x.layout)
    if _hard_sigmoid(gate.step, x.step):
        return node.add(layers.HardSwish(), x, layout=x.layout)
    return None


def _hard_sigmoid(step, x) -> bool:
    """Return whether a step computes relu6(x + 3) / 6 = clip(x / 6 + 1 / 2, 0, 1)."""
    if _is_clip(step, 0, 1):
        return _is_scale(step.reads[0], SIXTH, 0.5) and step.reads[0].reads == (x,)
    return _is_scale(step, SIXTH, 0) and _relu6_of_x_plus_3(step.reads[0], x)


def _relu6_of_x_plus_3(step, x) -> bool:
    return _is_clip(step, 0, 6) and _is_scale(step.reads[0], 1, 3) and step.reads[0].reads == (x,)


def _is_clip(step, low, high) -> bool:
    return isinstance(step.layer, layers.Clip) and (step.layer.low, step.layer.high) == (low, high)


def _is_scale(step, weight, bias) -> bool:
    if not isinstance(step.layer, layers.Scale) or step.layer.trained:
        return False
    arrays = step.layer.buffers
    return _close(arrays["weight"], weight) and _close(arrays.get("bias", np.zeros(1)), bias)


def _close(values, number) -> bool:
    return values is not None and bool(np.all(abs(values - number) < 1e-6))


def without_pad(node: Node, layer: Layer, x: View, *, zeros: bool) -> tuple[Layer, View]:
    """Return a convolution or pool and its input, with the padding of a Pad before it in its own padding, if possible.

    zeros : whether its own padding counts as zeros, as in a convolution and in an average that counts its padding; in a
        maximum, padding is never the result
    """
    pad = x.step.layer
    if not isinstance(pad, layers.Pad) or not node.mergeable(x) or pad.value != 0:
        return layer, x
    (source,) = x.step.reads
    merged = copy.copy(layer)
    merged.padding = tuple(
        (before + more[0], after + more[1]) for (before, after), more in zip(layer.padding, pad.padding, strict=True)
    )
    if isinstance(layer, layers.Conv2d):
        fits = True
    else:  # a pool's padding is shorter than its window
        short = all(max(sides) < size for sides, size in zip(merged.padding, layer.kernel_size, strict=True))
        fits = short and (zeros or _nonnegative(source))
    if not fits or merged.output_shape(source.shape) != layer.output_shape(x.step.shape):
        return layer, x
    return merged, View(source, layouts.of(source.shape), alone=False)


def _nonnegative(step) -> bool:
    return isinstance(step.layer, layers.ReLU) or (isinstance(step.layer, layers.Clip) and step.layer.low == 0)


def joined(node: Node, views: list[View]) -> View | None:
    """Return a Scale if a concat joins all channels of a step that were split and scaled one by one, else None.

    torchvision's `transform_input` is written like this.
    """
    parts = [_part(view) for view in views]
    if None in parts or not all(node.mergeable(view) for view in views):
        return None
    source = parts[0][0]
    ends = [0, *(layer.stop for _, layer, _ in parts)]
    if any(step is not source for step, _, _ in parts) or [layer.start for _, layer, _ in parts] != ends[:-1]:
        return None
    if ends[-1] != source.shape[0]:
        return None
    weight, bias = (np.concatenate([arrays[i] for _, _, arrays in parts]) for i in range(2))
    view = View(source, layouts.of(source.shape), alone=False)
    if np.all(weight == 1) and not bias.any():
        return node.seen(view, view.layout)
    return scaled(node, view, weight, bias if bias.any() else None)


def _part(view) -> tuple[Step, layers.ChannelSlice, tuple[Array, Array]] | None:
    """Return (source, ChannelSlice, (weight, bias)) of a view of some channels, scaled by constants or not."""
    step = view.step
    one = np.ones(step.shape[0], np.float32)
    arrays = (one, 0 * one)
    if isinstance(step.layer, layers.Scale) and not step.layer.trained:
        arrays = step.layer.buffers["weight"], step.layer.buffers.get("bias", arrays[1])
        (step,) = step.reads
    if not view.plain or not isinstance(step.layer, layers.ChannelSlice):
        return None
    return step.reads[0], step.layer, arrays
