"""Layers made ready for inference, with what follows them taken in."""

import numpy as np

from minigooglenet import checks, parallel
from minigooglenet.kernels import conv2d, direct, linear, product, winograd
from minigooglenet.layers.activation import ReLU
from minigooglenet.layers.base import Layer
from minigooglenet.layers.norm import BatchNorm2d


class FusedConv2d(Layer):
    """A convolution with copied weights, transformed once, batch norm folded into them, and a ReLU in the same pass.

    It does inference alone: what `Conv2d.planned` gives to a plan. `taken` are the followers that it took in.
    """

    apart = True

    def __init__(self, conv, followers):
        super().__init__()
        self.stride, self.padding, self.groups, self.algorithm = conv.stride, conv.padding, conv.groups, conv.algorithm
        weight, bias = conv.params["weight"].copy(), conv.params.get("bias")
        self.params["weight"], self.taken = weight, []
        if bias is not None:
            self.params["bias"] = bias.copy()
        for follower in followers:
            if type(follower) is BatchNorm2d and not self.taken:
                if not self._fold(follower):
                    break
            elif type(follower) is not ReLU:
                break
            self.taken.append(follower)
            if type(follower) is ReLU:
                break
        self.relu = bool(self.taken) and type(self.taken[-1]) is ReLU
        self.kernels = None
        if conv2d.may_be_winograd(weight.shape, self.stride, self.padding, weight.dtype, self.algorithm):
            self.kernels = winograd.prepare(self.params["weight"], self.groups)

    def _arrays(self):
        return self.params["weight"], self.params.get("bias")

    def infer(self, x, out=None):
        weight, bias = self._arrays()
        settings = self.stride, self.padding, self.groups, self.algorithm
        kernels = self.kernels if x.dtype == weight.dtype else None
        return conv2d.forward(x, weight, bias, *settings, relu=self.relu, out=out, kernels=kernels)

    @property
    def spreads(self):
        return self.algorithm in ("auto", "numba", "winograd")

    def bind(self, x, out, images):
        weight, bias = (None if a is None else a.astype(x.dtype, copy=False) for a in self._arrays())
        settings = self.stride, self.padding, self.groups
        form = self.algorithm
        if form == "auto":
            form = conv2d.choose((images, *x.shape[1:]), weight.shape, self.stride, self.padding, x.dtype)
        if form == "winograd":
            same = x.dtype == self.params["weight"].dtype
            kernels = self.kernels if same else winograd.prepare(weight, self.groups)
            return winograd.bind(x, kernels, bias, self.padding, self.relu, out)
        return direct.bind(x, weight, bias, *settings, self.relu, out) if form == "numba" else None

    def describe(self):
        """Return in words what was done."""
        form = "winograd for batches, weights transformed" if self.kernels else "one product"
        names = {BatchNorm2d: "batch norm in the weights", ReLU: "ReLU as it writes"}
        return ", ".join([form, *(names[type(layer)] for layer in self.taken)])

    def _fold(self, norm):
        """Take in y = weight * (x - mean) / sqrt(var + eps) + bias: a factor on each filter, and a bias.

        Return False, with nothing changed, where batch norm would reject its arrays, or has values that only its own
        formula computes: a factor or a product that is not finite.
        """
        arrays = *norm.params.values(), *norm.buffers.values()
        filters = len(self.params["weight"])
        if not all(regular(array, (filters,)) for array in arrays):
            return False
        weight, bias = norm.params["weight"], norm.params["bias"]
        mean, var = norm.buffers["running_mean"], norm.buffers["running_var"]
        own, dtype = self.params.get("bias", 0), self.params["weight"].dtype
        with np.errstate(all="ignore"), parallel.flushing():  # as batch norm itself computes
            factor = weight / np.sqrt(var + var.dtype.type(norm.eps))
            product = self.params["weight"] * factor[:, None, None, None]
            folded = product.astype(dtype, copy=False), ((own - mean) * factor + bias).astype(dtype, copy=False)
        if not all(np.isfinite(array).all() for array in (factor, *folded)):
            return False
        self.params["weight"], self.params["bias"] = folded
        return True


class FusedLinear(Layer):
    """A linear layer with copied weights, turned once so that the engine's own product reads them.

    Unlike NumPy's product it gives an image the same bits in any company, and threads share its outputs.
    """

    apart = spreads = True

    def __init__(self, layer):
        super().__init__()
        self.params["weight"] = layer.params["weight"].T.copy()  # even where the two lie in memory alike
        bias = layer.params.get("bias")
        self.params["bias"] = np.zeros(layer.out_features, np.float32) if bias is None else bias.copy()

    def bind(self, x, out, images):
        weight, bias = (self.params[name].astype(x.dtype, copy=False) for name in ("weight", "bias"))
        lanes = product.padded_columns(1, x.dtype)

        def task(start, stop):
            part = slice(start * lanes, stop * lanes)
            product.multiply_into(x, weight[:, part], out[:, part])
            out[:, part] += bias[part]

        return [(task, -(-weight.shape[1] // lanes))]

    def infer(self, x, out=None):
        """Return y in NumPy: for complex arrays, which `bind` does not take."""
        y = linear.forward(x, self.params["weight"].T, self.params["bias"])
        if out is None:
            return y
        out[...] = y
        return out

    def describe(self):
        """Return in words what was done."""
        return "one product, weights turned"


def regular(array, shape):
    """Tell whether a parameter is a float array of this shape, as a layer makes it: what a plan may compute with."""
    plain = isinstance(array, np.ndarray) and not isinstance(array, np.ma.MaskedArray | np.matrix)
    return plain and array.dtype in checks.FLOATS and array.shape == shape
