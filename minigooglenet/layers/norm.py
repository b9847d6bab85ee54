"""The normalisation layers."""

import numpy as np

from minigooglenet import shapes
from minigooglenet.kernels import batch_norm2d, local_response_norm
from minigooglenet.layers.base import Layer, map_shape


class LocalResponseNorm(Layer):
    """Each value divided by a power of the squares around it across channels: (C, H, W) -> (C, H, W).

    y = x * (k + alpha / size * sum of squares of the `size` channels around) ** -beta, with alpha divided by size.
    """

    _setting_names = ("size", "alpha", "beta", "k")

    def __init__(self, size=5, alpha=1e-4, beta=0.75, k=1.0):
        super().__init__()
        self.size = shapes.integer(size, "size", 1)
        self.alpha, self.beta, self.k = float(alpha), float(beta), float(k)

    def output_shape(self, x_shape):
        return map_shape(self, x_shape)

    def forward(self, x, train=False):
        y, scale = local_response_norm.forward(x, self.size, self.alpha, self.beta, self.k)
        return y, (x, scale)

    def infer(self, x):
        return local_response_norm.forward(x, self.size, self.alpha, self.beta, self.k, save=False)[0]

    def backward(self, grad_output, cache):
        return (local_response_norm.backward(grad_output, *cache, self.size, self.alpha, self.beta),), {}


class BatchNorm2d(Layer):
    """Batch normalisation: (C, H, W) -> (C, H, W), weight and bias (C,).

    Training normalises with the batch's mean and biased variance and moves the running ones towards the batch's mean
    and unbiased variance: running = (1 - momentum) * running + momentum * batch, as in PyTorch. Inference uses the
    running ones.
    """

    _setting_names = ("num_features", "eps", "momentum")

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.num_features = shapes.integer(num_features, "num_features", 1)
        self.eps, self.momentum = float(eps), float(momentum)
        self.params["weight"] = np.ones(num_features, np.float32)
        self.params["bias"] = np.zeros(num_features, np.float32)
        self.buffers["running_mean"] = np.zeros(num_features, np.float32)
        self.buffers["running_var"] = np.ones(num_features, np.float32)

    def output_shape(self, x_shape):
        shape = map_shape(self, x_shape)
        if shape[0] != self.num_features:
            raise ValueError(
                f"batch norm was made for {self.num_features} channels, got {shape[0]} (C, H, W = {shape})"
            )
        return shape

    def forward(self, x, train=False):
        statistics = () if train else (self.buffers["running_mean"], self.buffers["running_var"])
        weight, bias = self.params["weight"], self.params["bias"]
        y, mean, var = batch_norm2d.forward(x, weight, bias, *statistics, eps=self.eps)
        if train:
            self._update_running(mean, var, x.size // x.shape[1])
        return y, (x, mean, var, train)

    def backward(self, grad_output, cache):
        x, mean, var, train = cache
        grad_x, grad_weight, grad_bias = batch_norm2d.backward(
            grad_output, x, self.params["weight"], mean, var, self.eps, batch_statistics=train
        )
        return (grad_x,), {"weight": grad_weight, "bias": grad_bias}

    def _update_running(self, mean, var, count):
        for name, batch in (("running_mean", mean), ("running_var", var * (count / (count - 1)))):
            running = self.buffers[name]
            mixed = (1 - self.momentum) * running + self.momentum * batch.real
            self.buffers[name] = mixed.astype(running.dtype, copy=False)
