"""The layers where branches meet."""

from minigooglenet import checks
from minigooglenet.kernels import add, concat
from minigooglenet.layers.base import Layer, any_shape


class Concat(Layer):
    """The inputs one after the other along their channels: (C1, ...), (C2, ...) -> (C1 + C2, ...)."""

    inputs_taken = None

    def output_shape(self, *x_shapes):
        return concat.output_shape(*(any_shape(self, shape) for shape in x_shapes))

    def forward(self, *xs, train=False):
        y = concat.forward(*xs)
        return y, (y.shape, y.dtype, [x.shape[1] for x in xs])

    def backward(self, grad_output, cache):
        y_shape, dtype, channels = cache
        return concat.backward(checks.gradient(grad_output, y_shape, dtype), channels), {}


class Add(Layer):
    """The sum of inputs of one shape."""

    inputs_taken = None

    def output_shape(self, *x_shapes):
        return add.output_shape(*(any_shape(self, shape) for shape in x_shapes))

    def forward(self, *xs, train=False):
        return add.forward(*xs), (len(xs), xs[0].shape, xs[0].dtype)

    def backward(self, grad_output, cache):
        count, shape, dtype = cache
        return add.backward(checks.gradient(grad_output, shape, dtype), count), {}
