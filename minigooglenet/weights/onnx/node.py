"""A node of an ONNX file for the functions that read it: its inputs, and checked access to its attributes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minigooglenet.layers import Layer
from minigooglenet.typing import Array
from minigooglenet.weights.onnx import messages
from minigooglenet.weights.onnx.draft import Draft, UnknownShape, View
from minigooglenet.weights.onnx.layouts import Layout


class Node:
    """A node of the file, and the draft of the network to which it adds layers.

    tensor : name of its first output, which names its last layer
    """

    def __init__(
        self, draft: Draft, inputs: Sequence[str], outputs: Sequence[str], attributes: dict, opset: int
    ) -> None:
        self.draft, self.inputs, self.attributes, self.opset = draft, inputs, attributes, opset
        self.outputs = outputs  # with names or without, read or not
        self.tensor = outputs[0]
        self._used: set[int] = set()  # indices of the inputs that were read

    # --- inputs that are computed

    def view(self, index: int = 0) -> View:
        """Return an input that is not constant, in any layout."""
        value = self._value(index)
        if not isinstance(value, View):
            raise ValueError(f"its input {index} is {'missing' if value is None else 'constant'}")
        return value

    def wire(self, index: int = 0) -> View:
        """Return an input that is not constant, as a wire."""
        self.view(index)
        return self.draft.wire(self.inputs[index])

    def any(self, index: int = 0) -> View:
        """Return an input that is not constant, as a wire if possible: for functions that no layout changes."""
        try:
            return self.wire(index)
        except ValueError:
            return self.view(index)

    def computed(self) -> list[int]:
        """Return the indices of the inputs that are not constant."""
        return [index for index in range(len(self.inputs)) if isinstance(self._value(index, look=True), View)]

    def _value(self, index, look=False):
        """Return the view of an input, "constant", or None if it is missing."""
        name = self.inputs[index] if index < len(self.inputs) else ""
        if not look:
            self._used.add(index)
        if not name:
            return None
        value = self.draft.values[name]
        if value is None:
            raise UnknownShape
        return value if isinstance(value, View) else "constant"

    # --- inputs that are constant

    def array(self, index: int, what: str, *, own: bool = False) -> Array | None:
        """Return a constant input, or None if it is omitted. The caller may keep and change it if `own` is true."""
        value = self._value(index)
        if isinstance(value, View):
            raise ValueError(f"its {what} is computed, not constant")
        return None if value is None else self.draft.constant(self.inputs[index], own=own)

    def weights(
        self, index: int, what: str, ndim: int | None, *, optional: bool = False, own: bool = True
    ) -> Array | None:
        """Return a constant input of finite floats with `ndim` axes, or with any number of axes if `ndim` is None.

        Half precision becomes float32. The caller may keep and change the array if `own` is true.
        """
        value = self.array(index, what, own=own)
        if value is None and optional:
            return None
        if value is not None and value.dtype.itemsize == 2 and value.dtype.kind in "fV":  # V: bfloat16
            value = value.astype(np.float32)
        if value is None or value.dtype.kind != "f" or (ndim is not None and value.ndim != ndim):
            got = "nothing" if value is None else f"{value.dtype} {value.shape}"
            raise ValueError(f"its {what} must be floats{f' with {ndim} axes' * (ndim is not None)}, got {got}")
        if value.size == 0 or not np.isfinite([value.min(), value.max()]).all():
            raise ValueError(f"its {what} {'is empty' if value.size == 0 else 'contains NaN or infinity'}")
        return np.ascontiguousarray(value) if own and value.ndim else value

    def integers(self, name: str, index: int) -> list | None:
        """Return a list of integers, an attribute or, in later opsets, a constant input; None if it is omitted.

        The batch size, in a shape that the file computes, is `folding.BATCH`.
        """
        values = self.array(index, name)
        if values is None:
            values = self.attributes.get(name)
            if values is None:
                return None
            if not isinstance(values, (list, tuple)):
                raise ValueError(f"attribute {name} must be a list, got {values!r}")
        elif values.ndim > 1 or values.dtype.kind not in "iO":
            raise ValueError(f"its {name} must be a list of integers, got {values.dtype} {values.shape}")
        else:
            values = values.ravel()
        if len(values) > messages.MOST_LIST:
            raise ValueError(f"its {name} has {len(values):,} values, more than {messages.MOST_LIST:,}")
        return values.tolist() if isinstance(values, np.ndarray) else list(values)

    def check_all_used(self) -> None:
        """Raise a ValueError if an input was not read: it is constant or missing, or no layer takes as many."""
        for index, name in enumerate(self.inputs):
            value = self._value(index, look=True)
            if index not in self._used and isinstance(value, View):
                raise ValueError(f"it reads {len(self.computed())} wires; expected {len(self._used)}")
            if index not in self._used and name:
                raise ValueError(f"its input {index} is constant")

    # --- attributes

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

    def axis(self, default: int, rank: int) -> int:
        """Return the attribute axis of a tensor with `rank` axes, counted from the front; the batch is axis 0."""
        return self.axes([self.setting("axis", default)], rank)[0]

    def axes(self, values, rank: int) -> list[int]:
        """Return axes of a tensor with `rank` axes, counted from the front, or raise a ValueError if one is unknown."""
        axes = [axis + rank if axis < 0 else axis for axis in values]
        if not all(0 <= axis < rank for axis in axes) or len(set(axes)) < len(axes):
            raise ValueError(f"its axes are {list(values)}, but its input has {rank} axes")
        return axes

    # --- the layers that compute it

    def add(self, layer: Layer, *views: View, part: str = "", layout: Layout | None = None) -> View:
        """Add a layer and return its output.

        part : what is computed, if it is not the last layer of this node; it becomes a part of the name
        layout : layout of the output, if the layer works value by value and its inputs have this layout
        """
        added = self.draft.add(f"{self.tensor}/{part}" if part else self.tensor, layer, list(views))
        return added if layout is None else added._replace(layout=layout)

    def seen(self, view: View, layout: Layout) -> View:
        """Return the output of a node that only changes the layout."""
        return self.draft.alias(self.tensor, view, layout)

    def mergeable(self, view: View) -> bool:
        """Return whether the layer that computes a view may be merged with this node.

        Nothing else may read its output. In a file of this package, the layers stay as they were: only what is part of
        the name of this node belongs to it.
        """
        own = self.draft.own and not view.step.tensor.startswith(f"{self.tensor}/")
        return view.alone and view.step.layer is not None and not own


def decimal(value: float) -> float:
    """Return the shortest decimal with the same float32 value: ONNX stores 1e-4 as 0.0000999999975."""
    if not abs(value) <= float(np.finfo(np.float32).max):
        raise ValueError(f"an attribute is {value}, which is not a finite float32")
    return float(str(np.float32(value)))
