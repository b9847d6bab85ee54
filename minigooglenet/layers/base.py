"""The base class of layers: hyperparameters, parameters, output shape, forward and backward."""

from typing import Any

from minigooglenet import shapes
from minigooglenet.typing import Array, Shape

Gradients = tuple[tuple[Array | None, ...], dict[str, Array]]  # of the inputs; {parameter name: gradient}


class Layer:
    """One operation of a network, with its parameters. Shapes exclude the batch axis: (C, H, W).

    A layer stores no activations: everything `backward` needs is in the cache that `forward` returns. A layer whose
    inference can skip work that only `backward` needs also has a method `infer(*inputs) -> output`.

    Attributes
    ----------
    params : {name: array}: forward reads them; training changes them in place or replaces an entry
    buffers : {name: array} that are saved but not trained
    inputs_taken : number of inputs of forward; None for any number

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> class Double(mg.layers.Layer):
    ...     def output_shape(self, x_shape):
    ...         return x_shape
    ...     def forward(self, x, train=False):
    ...         return 2 * x, None
    ...     def backward(self, grad_output, cache):
    ...         return (2 * grad_output,), {}
    >>> print(mg.gradcheck.check_layer(Double(), (3, 4, 4)).verdict)
    PASS
    """

    inputs_taken: int | None = 1
    _setting_names: tuple[str, ...] = ()  # the attributes that `settings` returns

    def __init__(self) -> None:
        self.params: dict[str, Array] = {}
        self.buffers: dict[str, Array] = {}

    @property
    def kind(self) -> str:
        """The name of the operation: the class, or the class of this package that it is a subclass of."""
        for cls in type(self).__mro__:
            if cls is Layer:
                break
            if cls.__module__.startswith("minigooglenet.layers."):
                return cls.__name__
        return type(self).__name__

    # Each layer has its own number of inputs. `*args: Any, **kwargs: Any` lets type checkers accept every override.
    def output_shape(self, *input_shapes: Any, **_: Any) -> Shape:
        """Return the exact output shape, or raise a ValueError that explains what does not fit ("input 0", ...)."""
        raise NotImplementedError(f"{type(self).__name__} does not define output_shape")

    def forward(self, *inputs: Any, **options: Any) -> tuple[Array, Any]:
        """Return (output, cache) for the inputs. The output is a new array with their dtype.

        `train` is False by default, which means inference. Inputs are never changed.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define forward")

    def backward(self, grad_output: Any, cache: Any, *_: Any, **options: Any) -> Gradients:
        """Return (tuple of one gradient per input, {parameter name: gradient}).

        The gradients may be views of grad_output: copy them before you change them in place. A layer may accept
        `need_inputs`; if it is False, the gradients of the inputs may be None.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define backward")

    def settings(self) -> dict[str, Any]:
        """Return the hyperparameters as arguments of the constructor."""
        return {name: getattr(self, name) for name in self._setting_names}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value}' for name, value in self.settings().items())})"


def named_gradients(grad_weight: Array, grad_bias: Array | None) -> dict[str, Array]:
    """Return {"weight": ..., "bias": ...}, without "bias" if grad_bias is None."""
    return {"weight": grad_weight} if grad_bias is None else {"weight": grad_weight, "bias": grad_bias}


def map_shape(layer: Layer, shape: Any) -> tuple[int, int, int]:
    """Return `shape` as (C, H, W), or raise an error that names the layer."""
    shape = any_shape(layer, shape)
    if len(shape) != 3:
        hint = ". Shapes exclude the batch axis." if len(shape) == 4 else ""
        raise ValueError(f"{type(layer).__name__} takes a feature map (C, H, W), got shape {shape}{hint}")
    channels, height, width = shape
    return channels, height, width


def any_shape(layer: Layer, shape: Any) -> Shape:
    """Return an input shape of any rank as a tuple, or raise a TypeError that names the layer."""
    return shapes.shape(shape, f"the input shape of {type(layer).__name__}")
