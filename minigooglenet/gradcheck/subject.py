"""What is checked, in one form: a forward and its backward over plain arrays, be they a layer's or a student's."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from types import MethodType

import numpy as np

from minigooglenet.methods import unchanged

BATCH = 3  # a batch of one hides everything about the batch axis


class CheckError(Exception):
    """What was checked raised an error of its own; the message says which and where."""


@dataclass
class Subject:
    """A forward(*arrays) -> y and a backward(grad_y, *arrays) -> gradients, with the arrays to check them at.

    Attributes
    ----------
    names : of the arrays, as findings call them
    operation : what is computed, where it is known: a kind of `layers` or None
    settings : of the operation
    analytic : whether the forward may be called with complex arrays
    remembers : for a layer, returns a sentence if it keeps what passed through it
    """

    title: str
    names: tuple[str, ...]
    arrays: list[np.ndarray]
    forward: Callable
    backward: Callable
    operation: str | None = None
    settings: dict = field(default_factory=dict)
    analytic: bool = False
    remembers: Callable | None = None

    def __post_init__(self):
        self.forward, self.backward = _told(self.forward, "forward"), _told(self.backward, "backward")

    @property
    def floats(self) -> list[int]:
        """The positions of the arrays that have gradients: labels and other integers have none."""
        return [i for i, array in enumerate(self.arrays) if np.asarray(array).dtype.kind == "f"]

    def at(self, position, array):
        """Return y with the array at `position` replaced."""
        arrays = list(self.arrays)
        arrays[position] = array
        return np.array(self.forward(*arrays), np.float64)  # a copy: the function may use one array for all its results

    def gradients(self, grad_y, arrays=None) -> dict[int, np.ndarray]:
        """Return {position: gradient}; only for a backward that has kept the contract."""
        arrays = self.arrays if arrays is None else arrays
        found = as_tuple(self.backward(grad_y, *arrays))
        found = self.by_position(found) if len(found) in (len(self.floats), len(self.arrays)) else {0: None}
        if any(gradient is None for gradient in found.values()):
            raise CheckError("backward returned gradients at first and None or too few later")
        return {i: np.array(gradient, np.float64) for i, gradient in found.items()}

    def by_position(self, gradients) -> dict:
        """Return {position: gradient} of gradients for every array, or for the float arrays only."""
        if len(gradients) == len(self.floats):
            return dict(zip(self.floats, gradients, strict=True))
        return {i: gradients[i] for i in self.floats}


def _told(function, who):
    def told(*arrays):
        try:
            return function(*arrays)
        except CheckError:
            raise
        except Exception as error:
            raise CheckError(f"{who} raised {type(error).__name__}: {error}") from error

    return told


def as_tuple(gradients) -> tuple:
    """Return what a backward returned as a tuple; a single array stands for a tuple of one."""
    if isinstance(gradients, (tuple, list)):
        return tuple(gradients)
    return (gradients,)


def from_layer(layer, input_shapes, rng) -> Subject:
    """Return a float64 copy of a layer in training mode as a Subject, with values that keep clear of kinks.

    Every forward sees the same dropout mask and the same running statistics.
    """
    layer = copy.deepcopy(layer)
    for arrays in (layer.params, layer.buffers):
        for name, value in arrays.items():
            arrays[name] = np.asarray(value, np.float64)
    params = tuple(layer.params)
    count = len(input_shapes)
    names = (*(["x"] if count == 1 else [f"x{i}" for i in range(count)]), *params)
    inputs = [clear_of_kinks((BATCH, *shape), rng) for shape in input_shapes]
    for name in params:
        # A bias of zero or a weight of one would hide a gradient that forgets them.
        layer.params[name] = layer.params[name] + 0.1 * rng.standard_normal(layer.params[name].shape)

    def twin(arrays):
        return fresh(layer, dict(zip(params, arrays[count:], strict=True)))

    def pair(one, arrays):
        result = one.forward(*arrays[:count], train=True)
        if not (isinstance(result, tuple) and len(result) == 2):
            what = f"a {type(result).__name__}" + (f" of {len(result)}" if isinstance(result, (tuple, list)) else "")
            raise TypeError(f"a layer's forward returns (y, cache), a tuple of 2; this one returned {what}")
        return result

    def forward(*arrays):
        return pair(twin(arrays), arrays)[0]

    def backward(grad_y, *arrays):
        one = twin(arrays)
        _, cache = pair(one, arrays)
        result = one.backward(grad_y, cache)
        if not (isinstance(result, (tuple, list)) and len(result) == 2 and isinstance(result[1], dict)):
            raise TypeError("a layer's backward returns (tuple of gradients of its inputs, {parameter: gradient})")
        grad_inputs, grad_params = result
        return (*as_tuple(grad_inputs), *(grad_params.get(name) for name in params))

    def remembers():
        """Run two batches through one object, then go back through the first."""
        arrays = [*inputs, *(layer.params[name] for name in params)]
        one, other = twin(arrays), [x[::-1] * 0.5 for x in inputs]
        y, cache = one.forward(*inputs, train=True)
        expected = as_tuple(one.backward(np.ones_like(y), cache)[0])
        one = twin(arrays)
        _, cache = one.forward(*inputs, train=True)
        one.forward(*other, train=True)
        for which in ("another batch went forward in between", "it ran before on the same cache"):
            again = as_tuple(one.backward(np.ones_like(y), cache)[0])
            if not all(np.array_equal(a, b) for a, b in zip(expected, again, strict=True)):
                return f"backward gives other gradients when {which}: the layer keeps something; put it into the cache"
        return None

    kind = getattr(layer, "kind", type(layer).__name__)
    settings = layer.settings() if hasattr(layer, "settings") else {}
    # A forward of the reader's own may use real buffers: only this package's may be called with complex arrays.
    own = str(type(layer).forward.__module__).startswith("minigooglenet.layers.") and unchanged(
        layer, "forward", "backward"
    )
    analytic = own and kind in ANALYTIC and isinstance(getattr(layer, "algorithm", "auto"), str)
    arrays = [*inputs, *(layer.params[name] for name in params)]
    return Subject(repr(layer), names, arrays, forward, backward, kind, settings, analytic, remembers)


def from_functions(forward, backward, inputs) -> Subject:
    """Return a pair of functions as a Subject."""
    names = _argument_names(forward, len(inputs))
    title = getattr(forward, "__qualname__", "function").replace("<lambda>", "function")

    def after_its_forward(grad_y, *arrays):
        forward(*arrays)  # a pair that hands something over in an object needs the forward of the same arrays before
        return backward(grad_y, *arrays)

    return Subject(title, names, [np.array(array) for array in inputs], forward, after_its_forward)


def fresh(layer, params=None):
    """Return a shallow copy of a layer whose random generators and buffers start where the layer's stand.

    Methods that were assigned to the layer object belong to the copy.
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
    """Return a layer like this one with few channels, so that every index can be compared; itself if it has none."""
    twin = copy.copy(layer)
    if layer.kind == "Conv2d" and layer.groups == 1:
        twin.in_channels, twin.out_channels = min(3, layer.in_channels), min(3, layer.out_channels)
        crop = {"weight": np.s_[: twin.out_channels, : twin.in_channels], "bias": np.s_[: twin.out_channels]}
    elif layer.kind == "Linear":
        twin.in_features, twin.out_features = min(5, layer.in_features), min(4, layer.out_features)
        crop = {"weight": np.s_[: twin.out_features, : twin.in_features], "bias": np.s_[: twin.out_features]}
    elif layer.kind == "BatchNorm2d":
        twin.num_features = min(3, layer.num_features)
        crop = dict.fromkeys(("weight", "bias", "running_mean", "running_var"), np.s_[: twin.num_features])
    else:
        return layer
    twin.params = {name: value[crop[name]].copy() for name, value in layer.params.items()}
    twin.buffers = {name: value[crop[name]].copy() for name, value in layer.buffers.items()}
    return twin


def clear_of_kinks(shape, rng) -> np.ndarray:
    """Return values between about -2 and 2 of which no two are close and none is close to zero.

    So no ReLU is about to switch and no pooling window about to change its winner within a small step.
    """
    count = int(np.prod(shape))
    return ((rng.permutation(count) + 0.5 - count // 2) * (4 / count)).reshape(shape)


ANALYTIC = (
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
)


def _argument_names(forward, count):
    code = getattr(forward, "__code__", None)
    if code is not None and code.co_argcount == count:
        return code.co_varnames[:count]
    return tuple(f"input {i}" for i in range(count))
