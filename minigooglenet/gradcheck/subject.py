"""The subject of a check: `forward` and `backward` over plain arrays, made from a layer or from two functions."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from types import MethodType

import numpy as np

from minigooglenet.methods import unchanged

BATCH = 3  # a batch of one image hides every mistake about the batch axis


class CheckError(Exception):
    """The checked function raised an error; the message contains the error and names the function."""


@dataclass
class Subject:
    """A forward(*arrays) -> y and a backward(grad_y, *arrays) -> gradients, with the arrays at which to check them.

    Attributes
    ----------
    names : names of the arrays in findings
    operation : the kind of the layer, or None if unknown
    settings : hyperparameters of the operation
    complex_safe : whether `forward` accepts complex arrays for the complex step
    remembers : for a layer, a function that returns a sentence if the layer stores activations
    """

    title: str
    names: tuple[str, ...]
    arrays: list[np.ndarray]
    forward: Callable
    backward: Callable
    operation: str | None = None
    settings: dict = field(default_factory=dict)
    complex_safe: bool = False
    remembers: Callable | None = None

    def __post_init__(self):
        self.forward, self.backward = _named(self.forward, "forward"), _named(self.backward, "backward")

    @property
    def floats(self) -> list[int]:
        """The positions of the arrays with gradients; labels and other integers have none."""
        return [i for i, array in enumerate(self.arrays) if np.asarray(array).dtype.kind == "f"]

    def at(self, position, array):
        """Return y with the array at `position` replaced."""
        arrays = list(self.arrays)
        arrays[position] = array
        return np.array(
            self.forward(*arrays), np.float64
        )  # a copy: the function may reuse one array for all its results

    def gradients(self, grad_y, arrays=None) -> dict[int, np.ndarray]:
        """Return {position: gradient}; only for functions that passed the contract stage."""
        arrays = self.arrays if arrays is None else arrays
        result = as_tuple(self.backward(grad_y, *arrays))
        gradients = self.by_position(result) if len(result) in (len(self.floats), len(self.arrays)) else {0: None}
        if any(gradient is None for gradient in gradients.values()):
            raise CheckError("backward returned all gradients in the first call, but None or too few in a later call")
        return {i: np.array(gradient, np.float64) for i, gradient in gradients.items()}

    def by_position(self, gradients) -> dict:
        """Return {position: gradient} of gradients for all arrays, or for the float arrays only."""
        if len(gradients) == len(self.floats):
            return dict(zip(self.floats, gradients, strict=True))
        return {i: gradients[i] for i in self.floats}


def _named(function, name):
    """Return a function that raises a CheckError with its name instead of any other error."""

    def named(*arrays):
        try:
            return function(*arrays)
        except CheckError:
            raise
        except Exception as error:
            raise CheckError(f"{name} raised {type(error).__name__}: {error}") from error

    return named


def as_tuple(gradients) -> tuple:
    """Return the result of `backward` as a tuple; a single array becomes a tuple of one."""
    if isinstance(gradients, (tuple, list)):
        return tuple(gradients)
    return (gradients,)


def from_layer(layer, input_shapes, rng) -> Subject:
    """Return a float64 copy of a layer in training mode as a Subject, with inputs that are not close to kinks.

    Every forward pass has the same dropout mask and the same running statistics.
    """
    layer = copy.deepcopy(layer)
    for arrays in (layer.params, layer.buffers):
        for name, value in arrays.items():
            arrays[name] = np.asarray(value, np.float64)
    params = tuple(layer.params)
    count = len(input_shapes)
    names = (*(["x"] if count == 1 else [f"x{i}" for i in range(count)]), *params)
    kind = getattr(layer, "kind", type(layer).__name__)
    kinks = KINKS[kind](layer) if kind in KINKS else ()
    inputs = [clear_of_kinks((BATCH, *shape), rng, kinks) for shape in input_shapes]
    for name in params:
        # A bias of zero or a weight of one would hide a gradient that omits them.
        layer.params[name] = layer.params[name] + 0.1 * rng.standard_normal(layer.params[name].shape)

    def twin(arrays):
        return fresh(layer, dict(zip(params, arrays[count:], strict=True)))

    def pair(one, arrays):
        result = one.forward(*arrays[:count], train=True)
        if not (isinstance(result, tuple) and len(result) == 2):
            kind = type(result).__name__
            what = f"{'an' if kind[0] in 'aeiou' or kind == 'ndarray' else 'a'} {kind}" + (
                f" of {len(result)}" if isinstance(result, (tuple, list)) else ""
            )
            raise TypeError(f"the layer's forward must return (y, cache), a tuple of 2, but it returned {what}")
        return result

    def forward(*arrays):
        return pair(twin(arrays), arrays)[0]

    def backward(grad_y, *arrays):
        one = twin(arrays)
        _, cache = pair(one, arrays)
        result = one.backward(grad_y, cache)
        if not (isinstance(result, (tuple, list)) and len(result) == 2 and isinstance(result[1], dict)):
            raise TypeError("the layer's backward must return (tuple of input gradients, {parameter: gradient})")
        grad_inputs, grad_params = result
        return (*as_tuple(grad_inputs), *(grad_params.get(name) for name in params))

    def remembers():
        """Run two batches forward through one object, then the first batch backward."""
        arrays = [*inputs, *(layer.params[name] for name in params)]
        one, other = twin(arrays), [x[::-1] * 0.5 for x in inputs]
        y, cache = one.forward(*inputs, train=True)
        expected = as_tuple(one.backward(np.ones_like(y), cache)[0])
        one = twin(arrays)
        _, cache = one.forward(*inputs, train=True)
        one.forward(*other, train=True)
        for when in ("after a forward pass with a different batch", "in a second call with the same cache"):
            again = as_tuple(one.backward(np.ones_like(y), cache)[0])
            if not all(np.array_equal(a, b) for a, b in zip(expected, again, strict=True)):
                return (
                    f"backward returns different gradients {when}: the layer stores activations. "
                    "Put everything that backward needs into the cache."
                )
        return None

    settings = layer.settings() if hasattr(layer, "settings") else {}
    # A user's forward may use real buffers, so only layers of this package are called with complex arrays.
    ours = str(type(layer).forward.__module__).startswith("minigooglenet.layers.") and unchanged(
        layer, "forward", "backward"
    )
    complex_safe = ours and kind in COMPLEX_SAFE and isinstance(getattr(layer, "algorithm", "auto"), str)
    arrays = [*inputs, *(layer.params[name] for name in params)]
    return Subject(repr(layer), names, arrays, forward, backward, kind, settings, complex_safe, remembers)


def from_functions(forward, backward, inputs) -> Subject:
    """Return a pair of functions as a Subject."""
    names = _argument_names(forward, len(inputs))
    title = getattr(forward, "__qualname__", "function").split("<locals>.")[-1].replace("<lambda>", "function")

    def after_its_forward(grad_y, *arrays):
        forward(*arrays)  # a pair that shares an object needs a forward pass with the same arrays first
        return backward(grad_y, *arrays)

    return Subject(title, names, [np.array(array) for array in inputs], forward, after_its_forward)


def fresh(layer, params=None):
    """Return a shallow copy of a layer, with copies of its buffers and of its random generators in their current state.

    Methods that were assigned to the layer object are bound to the copy.
    """
    twin = copy.copy(layer)
    twin.params = dict(layer.params if params is None else params)
    twin.buffers = {name: value.copy() for name, value in getattr(layer, "buffers", {}).items()}
    for name, value in vars(layer).items():
        if isinstance(value, np.random.Generator):
            setattr(twin, name, copy.deepcopy(value))
        elif isinstance(value, MethodType) and value.__self__ is layer:
            setattr(twin, name, MethodType(value.__func__, twin))
    return twin


def small_twin(layer):
    """Return a copy of a layer with few channels, so that every index can be compared; other layers are returned."""
    twin = copy.copy(layer)
    if layer.kind == "Conv2d" and layer.groups == 1:
        twin.in_channels, twin.out_channels = min(3, layer.in_channels), min(3, layer.out_channels)
        crop = {"weight": np.s_[: twin.out_channels, : twin.in_channels], "bias": np.s_[: twin.out_channels]}
    elif layer.kind == "Linear":
        twin.in_features, twin.out_features = min(5, layer.in_features), min(4, layer.out_features)
        crop = {"weight": np.s_[: twin.out_features, : twin.in_features], "bias": np.s_[: twin.out_features]}
    elif layer.kind == "Scale":
        twin.channels = min(3, layer.channels)
        crop = dict.fromkeys(("weight", "bias"), np.s_[: twin.channels])
    elif layer.kind == "BatchNorm2d":
        twin.num_features = min(3, layer.num_features)
        crop = dict.fromkeys(("weight", "bias", "running_mean", "running_var"), np.s_[: twin.num_features])
    else:
        return layer
    twin.params = {name: value[crop[name]].copy() for name, value in layer.params.items()}
    twin.buffers = {name: value[crop[name]].copy() for name, value in layer.buffers.items()}
    return twin


def clear_of_kinks(shape, rng, kinks=()) -> np.ndarray:
    """Return values between about -2 and 2 of which no two are close to each other and none is close to zero.

    So a small step changes no ReLU mask and no argmax of a pool. With more `kinks`, the values extend past all of them,
    and none is close to a kink.
    """
    count = int(np.prod(shape))
    spacing = max([4, *(3 * abs(kink) for kink in kinks)]) / count
    values = (rng.permutation(count) + 0.5 - count // 2) * spacing
    for kink in kinks:
        values = np.where(np.abs(values - kink) < spacing / 4, kink + spacing / 4, values)
    return values.reshape(shape)


COMPLEX_SAFE = (
    "Conv2d",
    "AvgPool2d",
    "AdaptiveAvgPool2d",
    "GlobalAvgPool2d",
    "LocalResponseNorm",
    "BatchNorm2d",
    "Linear",
    "Flatten",
    "Concat",
    "Add",
    "Softmax",
    "Sigmoid",
    "Tanh",
    "SiLU",
    "Scale",
    "Multiply",
    "Pad",
    "ChannelShuffle",
    "ChannelSlice",
)
# {kind: function (layer) -> kinks other than zero}
KINKS = {
    "Clip": lambda layer: [bound for bound in layer.parameters if np.isfinite(bound)],
    "ReLU6": lambda layer: layer.parameters,
    "HardSwish": lambda layer: (-3.0, 3.0),
}


def _argument_names(forward, count):
    code = getattr(forward, "__code__", None)
    if code is not None and code.co_argcount == count:
        return code.co_varnames[:count]
    return tuple(f"input {i}" for i in range(count))
