"""A node of an ONNX file as the functions of `operators` see it: what it reads, and questions about its attributes."""

from typing import NamedTuple

import numpy as np

from minigooglenet.layers import Layer


class UnknownShape(Exception):  # noqa: N818 (the node that is to blame has been noted before)
    """A node before this one could not be read, so nothing is known of what comes from there."""


class Wire(NamedTuple):
    """A value that a node reads: its name, shape without the batch axis (None: not known), who writes and reads it."""

    name: str
    shape: tuple[int, ...] | None
    layer: Layer | None = None
    alone: bool = False  # one node reads it, and no more


class Node:
    """A node of the file with its inputs (a Wire, an array, or None for one left out), and questions to ask it."""

    def __init__(self, inputs, attributes, opset, batch, outputs=1):
        self.inputs, self.attributes, self.opset, self.batch = inputs, attributes, opset, batch
        self.outputs = outputs  # how many it lists, named or not, read or not
        self._used = set()  # places of the constant inputs that were asked for

    @property
    def wires(self) -> list[Wire]:
        return [value for value in self.inputs if isinstance(value, Wire)]

    def shape(self) -> tuple[int, ...]:
        """Return the shape of the first input without the batch axis."""
        first = self.inputs[0] if self.inputs else None
        if not isinstance(first, Wire):
            raise ValueError(f"its input 0 is {'left out' if first is None else 'constant'}")
        if first.shape is None:
            raise UnknownShape
        return first.shape

    def axis(self, default: int) -> int:
        """Return the attribute axis, counted from the front, where the batch is axis 0."""
        axis = self.setting("axis", default)
        return axis + len(self.shape()) + 1 if axis < 0 else axis

    def setting(self, name, default):
        """Return an attribute of the default's type, or the default."""
        value = self.attributes.get(name, default)
        if type(value) is not type(default):
            raise ValueError(f"attribute {name} should be a {type(default).__name__}, got {value!r}")
        return value

    def number(self, name, default: float) -> float:
        """Return a float attribute as `decimal` has it."""
        return decimal(self.setting(name, float(default)))

    def numbers(self, name, default=None, count=2) -> tuple[int, ...]:
        """Return a list attribute of so many whole numbers, one or two for the height and as many for the width."""
        values = self.attributes.get(name, default)
        if not isinstance(values, (list, tuple)) or len(values) != count:
            raise ValueError(f"attribute {name} should hold {count} numbers, for height and width, got {values}")
        return tuple(values)

    def only(self, name, known):
        """Raise a ValueError unless an attribute is `known`, or is left out and means that."""
        value = self.attributes.get(name, known)
        if value != known:
            raise ValueError(f"attribute {name} is {value}, not {known}")

    def array(self, index, what) -> np.ndarray | None:
        """Return a constant input, or None where it is left out."""
        value = self.inputs[index] if index < len(self.inputs) else None
        if isinstance(value, Wire):
            raise ValueError(f"its {what} is computed, not constant")
        self._used.add(index)
        return value

    def weights(self, index, what, ndim, *, optional=False) -> np.ndarray | None:
        """Return a constant input of `ndim` axes, or of any number with None, whose numbers a layer can hold."""
        value = self.array(index, what)
        if value is None and optional:
            return None
        if value is None or value.dtype.kind != "f" or (ndim is not None and value.ndim != ndim):
            got = "left out" if value is None else f"{value.dtype} {value.shape}"
            raise ValueError(f"its {what} should be floats{f' with {ndim} axes' * (ndim is not None)}, got {got}")
        if value.size == 0 or not np.isfinite(value).all():
            raise ValueError(f"its {what} holds {'nothing' if value.size == 0 else 'a NaN or an infinity'}")
        return value

    def check_all_used(self):
        """Raise a ValueError if an input is constant or left out where a layer takes what is computed."""
        for index, value in enumerate(self.inputs):
            if not isinstance(value, Wire) and index not in self._used:
                raise ValueError(f"its input {index} is {'left out' if value is None else 'constant'}")

    def axes(self) -> tuple[int, ...] | None:
        """Return the axes of a reduction, an attribute or since opset 13 or 18 an input, counted from the front."""
        given = self.array(1, "axes")
        values = self.attributes.get("axes") if given is None else given.ravel().tolist()
        rank = len(self.shape()) + 1
        return None if values is None else tuple(sorted(axis + rank if axis < 0 else axis for axis in values))


def decimal(value: float) -> float:
    """Return the shortest decimal of the same float32.

    ONNX keeps 1e-4 as 0.0000999999975, and 1e-4 was meant.
    """
    if not abs(value) <= float(np.finfo(np.float32).max):
        raise ValueError(f"a setting is {value}")
    return float(str(np.float32(value)))
