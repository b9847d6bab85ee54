"""How a plan computes each layer: a table by exact type, for layers whose methods are unchanged.

A plan uses the arrays and hyperparameters of a layer instead of calling its methods. A subclass may override any
method, so subclasses do not inherit an entry. A layer without an entry runs its own `infer` or `forward` on the whole
batch.
"""

from collections.abc import Callable
from typing import NamedTuple

from minigooglenet import layers, methods
from minigooglenet.kernels import elementwise
from minigooglenet.kernels.compiled import fast


class Lowering(NamedTuple):
    """What a plan knows about a type of layer.

    operation : the operation whose form decides whether `bind` is used; None if no form is involved
    bind : function (layer, *inputs, out) -> [(task, count)] for `parallel_for`, which compute `out` in compiled code
        on every run; or None
    per_sample : whether inference treats each image independently, so that a batch may be split
    """

    operation: str | None = None
    bind: Callable | None = None
    per_sample: bool = True


def _max_pool2d(layer, x, out):
    return fast().max_pool2d.bind(x, layer.kernel_size, layer.stride, layer.padding, out)


def _avg_pool2d(layer, x, out):
    return fast().avg_pool2d.bind(x, layer.kernel_size, layer.stride, layer.padding, layer.count_include_pad, out)


def _adaptive_avg_pool2d(layer, x, out):
    return fast().adaptive_avg_pool2d.bind(x, layer.output_size, out)


def _global_avg_pool2d(layer, x, out):
    return [fast().global_avg_pool2d.means_task(x, out)]


def _local_response_norm(layer, x, out):
    return fast().local_response_norm.bind(x, layer.size, layer.alpha, layer.beta, layer.k, out)


def _relu(layer, x, out):
    return fast().relu.bind(x, out)


def _elementwise(layer, x, out):
    parameters = elementwise.rounded(layer.function, layer.parameters, x.dtype)
    return fast().elementwise.bind(x, layer.function, parameters, out)


def _scale(layer, x, out):
    return fast().scale.bind(x, *layer.arrays(), out)


def _multiply(layer, *xs, out):
    return fast().multiply.bind(*xs, y=out)


def _add(layer, *xs, out):
    return fast().add.bind(*xs, limits=fast().add.NO_LIMITS, y=out)


def _flatten(layer, x, out):
    def task(start, stop):
        out[start:stop] = x[start:stop].reshape(stop - start, -1)

    return [(task, len(x))]


LOWERINGS = {
    layers.Conv2d: Lowering("conv2d"),
    # Unless it is fused, BLAS computes it, and its round-off depends on the number of images.
    layers.Linear: Lowering("linear", per_sample=False),
    layers.MaxPool2d: Lowering("max_pool2d", _max_pool2d),
    layers.AvgPool2d: Lowering("avg_pool2d", _avg_pool2d),
    layers.AdaptiveAvgPool2d: Lowering("adaptive_avg_pool2d", _adaptive_avg_pool2d),
    layers.GlobalAvgPool2d: Lowering("global_avg_pool2d", _global_avg_pool2d),
    layers.LocalResponseNorm: Lowering("local_response_norm", _local_response_norm),
    layers.BatchNorm2d: Lowering("batch_norm2d"),
    layers.ReLU: Lowering("relu", _relu),
    layers.Flatten: Lowering(None, _flatten),
    layers.Softmax: Lowering("softmax"),
    layers.Dropout: Lowering(),
    layers.Concat: Lowering("concat"),
    layers.Add: Lowering("add", _add),
    **dict.fromkeys(
        (layers.Clip, layers.ReLU6, layers.LeakyReLU, layers.Sigmoid, layers.Tanh, layers.HardSwish, layers.SiLU),
        Lowering("elementwise", _elementwise),
    ),
    layers.Scale: Lowering("scale", _scale),
    layers.Multiply: Lowering("multiply", _multiply),
    layers.GlobalMaxPool2d: Lowering("global_max_pool2d"),
    layers.Pad: Lowering("pad"),
    layers.ChannelShuffle: Lowering("channel_shuffle"),
    layers.ChannelSlice: Lowering("channel_slice"),
}


def lowering(layer):
    """Return the Lowering of a layer, or None if its own methods must run, which may depend on the whole batch."""
    entry = LOWERINGS.get(type(layer))
    unchanged = entry and methods.unchanged(layer, "forward", "output_shape")
    return entry if unchanged and methods.infers(layer) == hasattr(layer, "infer") else None
