"""What every layer is: hyper-parameters, parameters, and five questions that it answers."""

import copy

import numpy as np

from minigooglenet import shapes, shortcuts
from minigooglenet.layers.operations import Taped, Term


class Layer:
    """One operation of a network, with its parameters.

    A subclass answers five questions: `output_shape`, `forward`, `backward`, `operations` and `taped`. Shapes exclude
    the batch axis: (C, H, W). A layer never keeps what passed through it; that is the cache, and the caller's.

    Attributes
    ----------
    params : {name: array} that forward reads and training changes, in place or by a new entry
    buffers : {name: array} that are saved but not trained
    inputs_taken : how many inputs forward takes; None for any number
    apart : whether inference treats each image by itself, so that a batch may be cut; known of this package's layers
    spreads : whether `infer(..., out=)` does nothing but spread work over threads, so that a team may share it
    """

    inputs_taken: int | None = 1
    apart = spreads = False

    def __init_subclass__(cls):
        super().__init_subclass__()
        shortcuts.remember(cls)

    def __init__(self):
        self.params: dict[str, np.ndarray] = {}
        self.buffers: dict[str, np.ndarray] = {}

    @property
    def kind(self) -> str:
        """The name of the operation: the class, or for a subclass of a layer of this package, that layer's."""
        for cls in type(self).__mro__:
            if cls is Layer:
                break
            if cls.__module__.startswith("minigooglenet.layers."):
                return cls.__name__
        return type(self).__name__

    def output_shape(self, *input_shapes: tuple[int, ...]) -> tuple[int, ...]:
        """Return the exact output shape, or raise a ValueError that explains (an input is called "input 0" there)."""
        raise NotImplementedError(f"{type(self).__name__} does not say its output_shape")

    def forward(self, *inputs: np.ndarray, train: bool = False):
        """Return (output, cache). Inputs are never changed; the output has their dtype and is the caller's."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def backward(self, grad_output: np.ndarray, cache):
        """Return (tuple of one gradient per input, {parameter name: gradient})."""
        raise NotImplementedError(f"{type(self).__name__} has no backward")

    def backward_params(self, grad_output: np.ndarray, cache) -> dict[str, np.ndarray]:
        """Return the parameters' gradients alone: all that training needs of a layer that reads the images."""
        return self.backward(grad_output, cache)[1]

    def backward_views(self, grad_output: np.ndarray, cache):
        """Return what `backward` does, perhaps as views of grad_output: for a caller that changes none of them."""
        return self.backward(grad_output, cache)

    def infer(self, *inputs: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Return the output of `forward` in inference, written to `out` if given; keep nothing.

        A layer that can leave out the work for the cache overrides this. `shortcuts` decides when it runs instead of
        `forward`.
        """
        y = self.forward(*inputs)[0]
        if out is None:
            return y
        out[...] = y
        return out

    def bind(self, *inputs: np.ndarray, out: np.ndarray, images: int) -> list | None:
        """Return [(task, count)] for `parallel.spread` that compute `out` as often as they are run, or None.

        A layer that offers this prepares for these very arrays once. `images` is the size of the whole batch that the
        inputs are a part of, so that the same form computes every part.
        """
        return None

    def planned(self, followers: list["Layer"]) -> tuple["Layer", int]:
        """Return (layer, count): this layer made ready for inference with its parameters as they are now.

        `followers` is the chain of layers behind it whose inputs nobody else reads; the layer returned does the work of
        the first `count` of them too.
        """
        return copy.deepcopy(self), 0

    def operations(self, *input_shapes: tuple[int, ...]) -> list[Term]:
        """Return the exact operations of one image in inference, and the multiply-adds of its backward."""
        raise NotImplementedError(f"{type(self).__name__} does not say its operations, and an unknown cost is not zero")

    def taped(self, *input_shapes: tuple[int, ...]) -> Taped:
        """Return what a training forward of one image keeps."""
        raise NotImplementedError(f"{type(self).__name__} does not say what its cache holds")

    def window(self, *input_shapes: tuple[int, ...]):
        """Return (kernel (h, w), stride (h, w)): what one output value sees of its input, by default one value."""
        return (1, 1), (1, 1)

    def windows(self, *input_shapes: tuple[int, ...]):
        """Return the `shapes.Windows` of each axis (h, w), `shapes.WHOLE`, or None if values read their own position.

        By default they follow from `window` and the attribute `padding`, which is 0 if the layer has none.
        """
        kernel_size, stride = self.window(*input_shapes)
        _, *sizes = self.output_shape(*input_shapes) or (0,)
        if len(sizes) != 2 or (kernel_size == stride == (1, 1) and tuple(sizes) == tuple(input_shapes[0][1:])):
            return None
        padding = shapes.four_sided(getattr(self, "padding", 0))
        axes = zip(sizes, kernel_size, stride, padding, strict=True)
        return tuple(shapes.windows(size, kernel, step, before) for size, kernel, step, (before, _) in axes)

    def settings(self) -> dict:
        """Return the hyper-parameters, as the constructor takes them."""
        return {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value}' for name, value in self.settings().items())})"


shortcuts.remember(Layer)


def named_gradients(grad_weight, grad_bias) -> dict[str, np.ndarray]:
    """Return {"weight": ..., "bias": ...}, without the bias where there is none."""
    return {"weight": grad_weight} if grad_bias is None else {"weight": grad_weight, "bias": grad_bias}


def map_shape(layer: Layer, shape) -> tuple[int, int, int]:
    """Return `shape` as (C, H, W), or say that this layer needs a map."""
    shape = any_shape(layer, shape)
    if len(shape) != 3:
        hint = "; shapes leave the batch axis out" if len(shape) == 4 else ""
        raise ValueError(f"{type(layer).__name__} takes a map (C, H, W), got shape {shape}{hint}")
    return shape


def any_shape(layer: Layer, shape) -> tuple[int, ...]:
    """Return an input shape of any rank as a tuple, or a TypeError that names the layer."""
    return shapes.shape(shape, f"the input shape of {type(layer).__name__}")
