"""What every layer is: hyperparameters, parameters, an output shape, a forward and a backward."""

import numpy as np

from minigooglenet import shapes


class Layer:
    """One operation of a network, with its parameters.

    A layer is its settings, its parameters, `output_shape`, `forward` and `backward`. Where inference can leave out
    work that only a backward needs, a layer also has `infer(*inputs) -> output`. Shapes exclude the batch axis:
    (C, H, W). A layer keeps nothing that passes through it; that is the cache, and the cache belongs to the caller.

    Attributes
    ----------
    params : {name: array} that forward reads and training changes, in place or by a new entry
    buffers : {name: array} that are saved but not trained
    inputs_taken : how many inputs forward takes; None for any number
    """

    inputs_taken: int | None = 1
    _setting_names: tuple[str, ...] = ()  # the attributes that `settings` returns

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

    def backward(self, grad_output: np.ndarray, cache, need_inputs: bool = True):
        """Return (tuple of one gradient per input, {parameter name: gradient}).

        The gradients may be views of grad_output; a caller that changes one in place copies it first. Without
        `need_inputs`, which a layer need not accept, the gradients of the inputs may be None.
        """
        raise NotImplementedError(f"{type(self).__name__} has no backward")

    def settings(self) -> dict:
        """Return the hyperparameters, as the constructor takes them."""
        return {name: getattr(self, name) for name in self._setting_names}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value}' for name, value in self.settings().items())})"


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
