"""Plan steps that do the work of several layers in one pass, in compiled code.

Batch norm is folded into the weights of the convolution before it, and ReLU or Clip is applied while the convolution
writes its output. Weights are copied, and transformed once. Gain: one image of GoogLeNet takes 9.5 ms instead of 11.0.

The steps of a live plan (`live`) fuse only what leaves every bit as it is, and read the arrays of their layer in every
run.
"""

import numpy as np

from minigooglenet import checks, parallel, shapes
from minigooglenet.kernels import add as addition
from minigooglenet.kernels import conv2d, forms, linear
from minigooglenet.kernels.fast import add, batch_norm2d, channels_last, direct, implicit_gemm, winograd
from minigooglenet.kernels.fast import conv2d as choosing
from minigooglenet.layers import Add, BatchNorm2d, Clip, Conv2d, Linear, ReLU, ReLU6
from minigooglenet.planning.prepared import Prepared


def fused(layer, followers, live=False):
    """Return the fused step for a layer that has parameters, or an addition, and some of its followers, or None.

    `followers` is the chain of layers after it in which every wire has one consumer. A layer with your own algorithm or
    with arrays of unexpected shapes is not fused.
    """
    if type(layer) is Conv2d:
        auto = layer.algorithm == "auto" and forms.storey_of("conv2d") == "fast"
        named = isinstance(layer.algorithm, str) and layer.algorithm in ("numba", "winograd")
        shape = (layer.out_channels, layer.in_channels // layer.groups, *layer.kernel_size)
        kind = LiveConv2d if live else FusedConv2d
        return kind(layer, followers) if (auto or named) and _regular(layer, shape) else None
    if type(layer) is Linear and not live and forms.storey_of("linear") == "fast":
        return FusedLinear(layer) if _regular(layer, (layer.out_features, layer.in_features)) else None
    if type(layer) is BatchNorm2d and live:
        arrays = *layer.params.values(), *layer.buffers.values()
        return LiveBatchNorm2d(layer) if all(_is_float(array, (layer.num_features,)) for array in arrays) else None
    if type(layer) is Add and forms.storey_of("add") == "fast" and followers and _limits(followers[0]):
        return FusedAdd(followers[0])
    return None


class FusedConv2d:
    """A convolution with the batch norm and the activation after it; `taken` lists the types of the fused layers."""

    def __init__(self, conv, followers):
        # Any setting may have changed since the layer checked it.
        self.stride, self.padding = shapes.pair(conv.stride, "stride"), shapes.four_sided(conv.padding)
        self.dilation, self.groups, self.algorithm = shapes.pair(conv.dilation, "dilation"), conv.groups, conv.algorithm
        conv2d.check_algorithm(conv.algorithm, conv.kernel_size, self.stride, self.padding, self.dilation)
        self.weight, self.bias = conv.params["weight"].copy(), conv.params.get("bias")
        if self.bias is not None:
            self.bias = self.bias.copy()
        self.taken, self.limits = [], (-np.inf, np.inf)
        for follower in followers:
            if type(follower) is BatchNorm2d and not self.taken and forms.storey_of("batch_norm2d") == "fast":
                if not self._fold(follower):
                    break
                self.taken.append(BatchNorm2d)
                continue
            if limits := _limits(follower):
                self.limits = limits
                self.taken.append(type(follower))
            break
        self.limited = self.limits != (-np.inf, np.inf)
        self.prepared = {}  # {dtype: Prepared}

    def bind(self, x, out, images):
        """Return [(task, count)] for `parallel_for`; every run computes `out` again.

        `images` is the size of the whole batch that x is a part of, so that one algorithm computes every part.
        """
        prepared, bias = _in_dtype(self, x.dtype)
        form = self.form(images, x)
        if form is winograd:
            transformed = prepared.by(winograd.transforming, self.groups)
            return winograd.bind(x, transformed, bias, self.padding, self.limits, out)
        settings = self.stride, self.padding, self.groups
        return form.bind(x, prepared.weight, bias, *settings, self.limits, out, self.dilation)

    def bind_channels_last(self, x, out, images):
        """Return what `bind` does, for x and out with channels last in memory; x may have its channels first."""
        settings = self.stride, self.padding, self.dilation
        return _bind_channels_last(self.form(images, x), x, *_in_dtype(self, x.dtype), *settings, self.limits, out)

    def forward(self, x):
        """Return (y, None) for complex arrays, which `bind` does not support."""
        settings = self.stride, self.padding, self.groups
        return conv2d.forward(x, self.weight, self.bias, *settings, dilation=self.dilation), None

    def describe(self):
        """Return a description for `print(plan)`."""
        form = "Winograd for batches, weights transformed in advance" if self._may_be_winograd() else "implicit GEMM"
        if self.algorithm == "auto" and direct.applies(self.weight.shape, self.groups, self.stride, self.dilation):
            form = "direct"
        names = {BatchNorm2d: "batch norm folded into the weights"}
        return ", ".join([form, *(names.get(kind, f"fused {kind.__name__}") for kind in self.taken)])

    def _may_be_winograd(self):
        if self.algorithm == "auto":
            settings = self.groups, self.stride, self.padding, self.weight.dtype, self.dilation
            return choosing.may_be_winograd(self.weight.shape, *settings)
        return self.algorithm == "winograd"

    def form(self, images, x):
        """Return the module with the algorithm for x, a part of a batch of `images` images."""
        if self.algorithm == "auto":
            settings = self.stride, self.padding, x.dtype, self.dilation
            return choosing.choose((images, *x.shape[1:]), self.weight.shape, *settings)
        return winograd if self.algorithm == "winograd" else implicit_gemm

    def _fold(self, norm):
        """Fold y = weight * (x - mean) / sqrt(var + eps) + bias into the convolution: a factor per filter, and a bias.

        Return False and change nothing if batch norm would reject its arrays, or if a factor or a product is not
        finite, because then only batch norm's own formula gives the correct values.
        """
        arrays = *norm.params.values(), *norm.buffers.values()
        if not all(_is_float(array, (len(self.weight),)) for array in arrays):
            return False
        weight, bias = norm.params["weight"], norm.params["bias"]
        mean, var = norm.buffers["running_mean"], norm.buffers["running_var"]
        conv_bias, dtype = 0 if self.bias is None else self.bias, self.weight.dtype
        with np.errstate(all="ignore"), parallel.flushing():  # as batch norm itself computes
            factor = weight / np.sqrt(var + var.dtype.type(norm.eps))
            product = self.weight * factor[:, None, None, None]
            folded = product.astype(dtype, copy=False), ((conv_bias - mean) * factor + bias).astype(dtype, copy=False)
        if not all(np.isfinite(array).all() for array in (factor, *folded)):
            return False
        self.weight, self.bias = folded
        return True


class LiveConv2d:
    """A convolution with the activation after it; if the layer's weight has changed, it is prepared again."""

    def __init__(self, conv, followers):
        self.layer, self.groups, self.limits, self.taken = conv, conv.groups, (-np.inf, np.inf), []
        if followers and (limits := _limits(followers[0])):
            self.limits, self.taken = limits, [type(followers[0])]
        self.settings = shapes.pair(conv.stride, "stride"), shapes.four_sided(conv.padding)
        self.dilation = conv2d.keywords_of(shapes.pair(conv.dilation, "dilation"))
        self.prepared = Prepared(conv.params["weight"])

    def bind(self, x, out, images):
        """Return [(task, count)] for `parallel_for`; every run computes `out` again."""
        weight, bias, groups = self.prepared.weight, self.layer.params.get("bias"), self.groups
        form = self._form(x, images)
        if form is not winograd:
            return form.bind(x, weight, bias, *self.settings, groups, self.limits, out, **self.dilation)
        self.prepared.remember()
        transformed = self.prepared.by(winograd.transforming, groups)
        return winograd.bind(x, transformed, bias, self.settings[1], self.limits, out)

    def bind_channels_last(self, x, out, images):
        """Return what `bind` does, for x and out with channels last in memory; x may have its channels first."""
        self.prepared.remember()
        settings = *self.settings, shapes.pair(self.layer.dilation, "dilation")
        arrays = x, self.prepared, self.layer.params.get("bias")
        return _bind_channels_last(self._form(x, images), *arrays, *settings, self.limits, out)

    def _form(self, x, images):
        """Return the module with the algorithm that the layer uses for a batch of `images` images."""
        shape = self.prepared.weight.shape
        form = conv2d.form_named(self.layer.algorithm, x.dtype, shape, *self.settings, **self.dilation)
        if form is choosing:
            form = choosing.choose((images, *x.shape[1:]), shape, *self.settings, x.dtype, **self.dilation)
        return form


class LiveBatchNorm2d:
    """Batch norm with the running statistics."""

    taken = ()

    def __init__(self, layer):
        self.layer = layer

    def bind(self, x, out, images):
        """Return [(task, count)] for `parallel_for`; every run computes `out` again."""
        return batch_norm2d.bind(x, *self._arrays(), self.layer.eps, out)

    def bind_channels_last(self, x, out, images):
        """Return what `bind` does, for arrays with channels last in memory."""
        return channels_last.batch_norm2d.bind(x, *self._arrays(), self.layer.eps, out)

    def _arrays(self):
        arrays = self.layer.params | self.layer.buffers
        return [arrays[name] for name in ("weight", "bias", "running_mean", "running_var")]


class FusedAdd:
    """An addition with the activation after it, which limits the sums while they are written."""

    limited = by_value = True  # the kernel does not depend on the order of axes

    def __init__(self, activation):
        self.limits, self.taken = _limits(activation), [type(activation)]

    def bind(self, *xs, out, images):
        """Return [(task, count)] for `parallel_for`; every run computes `out` again."""
        return add.bind(*xs, limits=self.limits, y=out)

    def forward(self, *xs):
        """Return (y, None) for complex arrays, which `bind` does not support."""
        return addition.forward(*xs), None

    def describe(self):
        """Return a description for `print(plan)`."""
        return f"Add, fused {self.taken[0].__name__}"


class FusedLinear:
    """A linear layer, computed as a 1x1 convolution of images of one pixel, with weights packed in advance.

    Unlike NumPy's product, the result for an image is bit-identical in every batch, and threads split the outputs.
    """

    taken = ()

    def __init__(self, layer):
        self.weight, self.bias = layer.params["weight"].copy(), layer.params.get("bias")
        if self.bias is not None:
            self.bias = self.bias.copy()
        self.prepared = {}  # {dtype: Prepared}

    def bind(self, x, out, images):
        """Return [(task, count)] for `parallel_for`; every run computes `out` again."""
        prepared, bias = _in_dtype(self, x.dtype)
        pixels = x[:, :, None, None], prepared, bias, (1, 1), ((0, 0), (0, 0)), (1, 1)
        return _bind_channels_last(None, *pixels, (-np.inf, np.inf), out[:, :, None, None])

    def forward(self, x):
        """Return (y, None) for complex arrays, which `bind` does not support."""
        return linear.forward(x, self.weight, self.bias), None

    def describe(self):
        """Return a description for `print(plan)`."""
        return "GEMM, weights packed in advance"


def _in_dtype(layer, dtype):
    """Return (Prepared weight, bias or None) of a fused layer in the dtype of the images."""
    if dtype not in layer.prepared:
        weight = layer.weight.astype(dtype, copy=False)
        # Two threads may get here, and must share what they prepare.
        layer.prepared.setdefault(dtype, Prepared(weight.reshape(*weight.shape, *(1, 1)[: 4 - weight.ndim])))
    return layer.prepared[dtype], None if layer.bias is None else layer.bias.astype(dtype, copy=False)


def _bind_channels_last(form, x, prepared, bias, stride, padding, dilation, limits, out):
    """Return [(task, count)] of a convolution with channels last in memory; `form` is its algorithm."""
    if form is winograd:
        (transformed,) = prepared.by(winograd.transforming, 1)
        return channels_last.winograd.bind(x, transformed, bias, padding, limits, out)
    panels, kernel = prepared.by(channels_last.conv2d.packing), prepared.weight.shape[2:]
    return channels_last.conv2d.bind(x, panels, bias, kernel, stride, padding, dilation, limits, out)


def _limits(layer):
    """Return (lowest, highest) output of a layer that only limits its inputs, else None."""
    if type(layer) is ReLU and forms.storey_of("relu") == "fast":
        return 0.0, np.inf
    if type(layer) in (Clip, ReLU6) and forms.storey_of("elementwise") == "fast":
        return layer.parameters
    return None


def _regular(layer, shape):
    weight, bias = layer.params.get("weight"), layer.params.get("bias")
    return _is_float(weight, shape) and (bias is None or _is_float(bias, shape[:1]))


def _is_float(array, shape):
    """Return whether a parameter is a float array of this shape; if not, the layer itself rejects it."""
    plain = isinstance(array, np.ndarray) and not isinstance(array, np.ma.MaskedArray)
    return plain and array.dtype in checks.FLOATS and array.shape == shape
