"""What every layer is: hyper-parameters, parameters, and five questions that it answers."""

import numpy as np

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
    """

    inputs_taken: int | None = 1

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

    def operations(self, *input_shapes: tuple[int, ...]) -> list[Term]:
        """Return the exact operations of one image in inference, and the multiply-adds of its backward."""
        raise NotImplementedError(f"{type(self).__name__} does not say its operations, and an unknown cost is not zero")

    def taped(self, *input_shapes: tuple[int, ...]) -> Taped:
        """Return what a training forward of one image keeps."""
        raise NotImplementedError(f"{type(self).__name__} does not say what its cache holds")

    def window(self, *input_shapes: tuple[int, ...]):
        """Return (kernel (h, w), stride (h, w)): what one output value sees of its input, by default one value."""
        return (1, 1), (1, 1)

    def settings(self) -> dict:
        """Return the hyper-parameters, as the constructor takes them."""
        return {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value}' for name, value in self.settings().items())})"


def named_gradients(grad_weight, grad_bias) -> dict[str, np.ndarray]:
    """Return {"weight": ..., "bias": ...}, without the bias where there is none."""
    return {"weight": grad_weight} if grad_bias is None else {"weight": grad_weight, "bias": grad_bias}


def map_shape(layer: Layer, shape) -> tuple[int, int, int]:
    """Return `shape` as (C, H, W), or say that this layer needs a map."""
    if len(shape) != 3:
        hint = "; shapes leave the batch axis out" if len(shape) == 4 else ""
        raise ValueError(f"{type(layer).__name__} takes a map (C, H, W), got shape {tuple(shape)}{hint}")
    return tuple(shape)
