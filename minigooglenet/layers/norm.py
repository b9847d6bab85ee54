"""The normalisation layers."""

from typing import Any

import numpy as np

from minigooglenet import checks, shapes
from minigooglenet.kernels import batch_norm2d, local_response_norm
from minigooglenet.layers.base import Gradients, Layer, map_shape
from minigooglenet.typing import Array, Shape


class LocalResponseNorm(Layer):
    """Each value divided by a power of the squares in nearby channels: (C, H, W) -> (C, H, W).

    y = x * (k + alpha / size * sum of the squares of the `size` channels around x) ** -beta. As in Caffe and PyTorch,
    alpha is divided by size.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.layers.LocalResponseNorm(size=1, alpha=0.25, beta=1.0).forward(np.full((1, 1, 1, 1), 2.0))[0].item()
    1.0
    """

    _setting_names = ("size", "alpha", "beta", "k")

    def __init__(self, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = shapes.integer(size, "size", 1)
        self.alpha, self.beta = checks.number(alpha, "alpha"), checks.number(beta, "beta")
        self.k = checks.number(k, "k")

    def output_shape(self, x_shape: Shape) -> Shape:
        return map_shape(self, x_shape)

    def forward(self, x: Array, train: bool = False) -> tuple[Array, Any]:
        return self.infer(x), x

    def infer(self, x: Array) -> Array:
        return local_response_norm.forward(x, self.size, self.alpha, self.beta, self.k, save=False)[0]

    def backward(self, grad_output: Array, cache: Any) -> Gradients:
        x = cache
        # Computed again, because keeping it from the forward pass would need as much memory as x until here.
        scale: Any = local_response_norm.forward(x, self.size, self.alpha, self.beta, self.k)[1]  # y is freed now
        return (local_response_norm.backward(grad_output, x, scale, self.size, self.alpha, self.beta),), {}


class BatchNorm2d(Layer):
    """Batch normalisation: (C, H, W) -> (C, H, W), weight and bias (C,).

    Training normalises with the mean and the biased variance of the batch. It also updates the running mean and the
    running variance with the mean and the unbiased variance of the batch, as in PyTorch:
    running = (1 - momentum) * running + momentum * batch. Inference normalises with the running statistics.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> norm = mg.layers.BatchNorm2d(1, momentum=0.5)
    >>> y, cache = norm.forward(np.array([2.0, 6.0]).reshape(2, 1, 1, 1), train=True)
    >>> y.ravel().round(2), norm.buffers["running_mean"]
    (array([-1.,  1.]), array([2.], dtype=float32))
    """

    _setting_names = ("num_features", "eps", "momentum")

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        self.num_features = shapes.integer(num_features, "num_features", 1)
        self.eps, self.momentum = checks.number(eps, "eps", 0), checks.number(momentum, "momentum", 0, 1)
        self.params["weight"] = np.ones(num_features, np.float32)
        self.params["bias"] = np.zeros(num_features, np.float32)
        self.buffers["running_mean"] = np.zeros(num_features, np.float32)
        self.buffers["running_var"] = np.ones(num_features, np.float32)

    def output_shape(self, x_shape: Shape) -> Shape:
        shape = map_shape(self, x_shape)
        if shape[0] != self.num_features:
            raise ValueError(f"batch norm expects {self.num_features} channels, got {shape[0]} (C, H, W = {shape})")
        return shape

    def forward(self, x: Array, train: bool = False) -> tuple[Array, Any]:
        mean, var = (None if train else self.buffers[name] for name in ("running_mean", "running_var"))
        weight, bias = self.params["weight"], self.params["bias"]
        y, mean, var = batch_norm2d.forward(x, weight, bias, mean, var, self.eps)
        if train:
            self._update_running(mean, var, x.size // x.shape[1])
        return y, (x, mean, var, train)

    def backward(self, grad_output: Array, cache: Any) -> Gradients:
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
