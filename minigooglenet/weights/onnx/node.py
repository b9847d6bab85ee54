"""A node of an ONNX file for the functions of `operators`: its inputs, and access to its attributes."""

from typing import NamedTuple

import numpy as np

from minigooglenet.layers import Layer


class UnknownShape(Exception):  # noqa: N818 (the failing node is already recorded)
    """A node before this one could not be read, so the shapes after it are unknown."""


class Wire(NamedTuple):
    """A wire that a node reads: its name, shape without the batch axis (None: unknown), writer and consumers."""

    name: str
    shape: tuple[int, ...] | None
    layer: Layer | None = None
    alone: bool = False  # whether it has exactly one consumer


class Node:
    """A node of the file with its inputs (a Wire, an array, or None for an omitted one) and checked access to them."""

    def __init__(self, inputs, attributes, opset, batch, outputs=1):
        self.inputs, self.attributes, self.opset, self.batch = inputs, attributes, opset, batch
        self.outputs = outputs  # how many outputs it lists, used or not
        self._used = set()  # indices of the constant inputs that were read

    @property
    def wires(self) -> list[Wire]:
        return [value for value in self.inputs if isinstance(value, Wire)]

    def shape(self) -> tuple[int, ...]:
        """Return the shape of the first input without the batch axis."""
        first = self.inputs[0] if self.inputs else None
        if not isinstance(first, Wire):
            raise ValueError(f"its input 0 is {'missing' if first is None else 'constant'}")
        if first.shape is None:
            raise UnknownShape
        return first.shape

    def axis(self, default: int) -> int:
        """Return the attribute axis, counted from the front; the batch is axis 0."""
        axis = self.setting("axis", default)
        return axis + len(self.shape()) + 1 if axis < 0 else axis

    def setting(self, name, default):
        """Return an attribute, which must have the type of the default, or the default."""
        value = self.attributes.get(name, default)
        if type(value) is not type(default):
            raise ValueError(f"attribute {name} must be a {type(default).__name__}, got {value!r}")
        return value

    def number(self, name, default: float) -> float:
        """Return a float attribute, rounded by `decimal`."""
        return decimal(self.setting(name, float(default)))

    def numbers(self, name, default=None, count=2) -> tuple[int, ...]:
        """Return a list attribute of `count` integers, half of them for the height and half for the width."""
        values = self.attributes.get(name, default)
        if not isinstance(values, (list, tuple)) or len(values) != count:
            raise ValueError(f"attribute {name} must have {count} values, for height and width, got {values}")
        return tuple(values)

    def only(self, name, supported):
        """Raise a ValueError unless an attribute has the supported value or is omitted."""
        value = self.attributes.get(name, supported)
        if value != supported:
            raise ValueError(f"attribute {name} is {value}; only {supported} is supported")

    def array(self, index, what) -> np.ndarray | None:
        """Return a constant input, or None if it is omitted."""
        value = self.inputs[index] if index < len(self.inputs) else None
        if isinstance(value, Wire):
            raise ValueError(f"its {what} is computed, not constant")
        self._used.add(index)
        return value

    def weights(self, index, what, ndim, *, optional=False) -> np.ndarray | None:
        """Return a constant input of finite floats with `ndim` axes, or with any number of axes if `ndim` is None."""
        value = self.array(index, what)
        if value is None and optional:
            return None
        if value is None or value.dtype.kind != "f" or (ndim is not None and value.ndim != ndim):
            got = "nothing" if value is None else f"{value.dtype} {value.shape}"
            raise ValueError(f"its {what} must be floats{f' with {ndim} axes' * (ndim is not None)}, got {got}")
        if value.size == 0 or not np.isfinite(value).all():
            raise ValueError(f"its {what} {'is empty' if value.size == 0 else 'contains NaN or infinity'}")
        return value

    def check_all_used(self):
        """Raise a ValueError if an input is constant or missing but the layer needs a computed one."""
        for index, value in enumerate(self.inputs):
            if not isinstance(value, Wire) and index not in self._used:
                raise ValueError(f"its input {index} is {'missing' if value is None else 'constant'}")

    def axes(self) -> tuple[int, ...] | None:
        """Return the axes of a reduction, counted from the front: an attribute or, since opset 13 or 18, an input."""
        array = self.array(1, "axes")
        values = self.attributes.get("axes") if array is None else array.ravel().tolist()
        rank = len(self.shape()) + 1
        return None if values is None else tuple(sorted(axis + rank if axis < 0 else axis for axis in values))


def decimal(value: float) -> float:
    """Return the shortest decimal with the same float32 value: ONNX stores 1e-4 as 0.0000999999975."""
    if not abs(value) <= float(np.finfo(np.float32).max):
        raise ValueError(f"an attribute is {value}, which is not a finite float32")
    return float(str(np.float32(value)))
