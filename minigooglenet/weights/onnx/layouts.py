"""Layouts: how a reshaped or transposed tensor reads the values of a wire, as NumPy's strides do.

Reshape, Transpose, Flatten, Squeeze and Unsqueeze move no values that a layer would have to move: they only change in
which order the next node reads them. So the import follows the layout, and asks at the next layer whether it is one
that a layer of this package has: the wire itself, a flattening, a channel shuffle.

A layout has one entry for each axis after the batch axis, from the outermost to the innermost: a tuple of atoms (size,
stride), where a stride counts values of the wire. A matrix (2, 3) has the layout (((2, 3),), ((3, 1),)), its transpose
(((3, 1),), ((2, 3),)), and both, flattened, (((6, 1),),) and (((3, 1), (2, 3)),). Layouts are canonical: an axis of
size 1 has no atoms, and atoms that one stride describes are one atom. So two layouts are equal if they read the same
values in the same order.
"""

import math

import numpy as np

from minigooglenet.typing import Shape

Axis = tuple[tuple[int, int], ...]
Layout = tuple[Axis, ...]


def of(shape: Shape) -> Layout:
    """Return the layout of a wire itself.

    Examples
    --------
    >>> of((4, 1, 6))
    (((4, 6),), (), ((6, 1),))
    """
    return tuple(((size, math.prod(shape[axis + 1 :])),) if size > 1 else () for axis, size in enumerate(shape))


def sizes(layout: Layout) -> Shape:
    """Return the shape that a reader of the layout gets."""
    return tuple(math.prod(size for size, _ in axis) for axis in layout)


def reshape(layout: Layout, shape: Shape) -> Layout:
    """Return the layout of the same values with another shape of as many values.

    Raises
    ------
    ValueError
        If no strides describe it, as for a flattened transpose of 4 x 6 that is divided into 8 x 3.

    Examples
    --------
    >>> reshape(of((4, 2, 3)), (24,)), reshape(of((6,)), (2, 3))
    ((((24, 1),),), (((2, 3),), ((3, 1),)))
    """
    atoms = list(_merged(atom for axis in layout for atom in axis))
    axes = []
    for size in shape:
        axis = []
        while size > 1:
            length, stride = atoms.pop(0)
            if size % length:  # the axis ends within the atom
                if length % size:
                    raise ValueError(f"no strides divide {sizes(layout)} into {tuple(shape)}")
                rest = length // size
                atoms.insert(0, (rest, stride))
                length, stride = size, stride * rest
            axis.append((length, stride))
            size //= length
        axes.append(_merged(axis))
    return tuple(axes)


def transpose(layout: Layout, order) -> Layout:
    """Return the layout with its axes in another order."""
    return tuple(layout[axis] for axis in order)


def wire_axes(layout: Layout, shape: Shape) -> tuple[tuple[int, ...], ...] | None:
    """Return the axes of the wire that each axis of the layout covers, or None if an axis covers a part of one.

    An axis of size 1 covers no axis.

    Examples
    --------
    >>> wire_axes(transpose(of((4, 5, 6)), (1, 2, 0)), (4, 5, 6))
    ((1,), (2,), (0,))
    >>> wire_axes(reshape(of((4, 5, 6)), (4, 1, 30)), (4, 5, 6))
    ((0,), (), (1, 2))
    """
    runs: dict[Axis, tuple[int, ...]] = {(): ()}
    for count in range(1, len(shape) + 1):
        for first in range(len(shape) - count + 1):
            run = tuple(range(first, first + count))
            runs.setdefault(_merged(atom for axis in run for atom in of(shape)[axis]), run)
    covered = [runs[axis] for axis in layout if axis in runs]
    return tuple(covered) if len(covered) == len(layout) else None


def order(layout: Layout, shape: Shape) -> tuple[int, ...] | None:
    """Return the axes of the wire in the order of the layout if it only transposes them, else None.

    Examples
    --------
    >>> order(transpose(of((4, 5, 6)), (1, 2, 0)), (4, 5, 6)), order(of((20,)), (4, 5))
    ((1, 2, 0), None)
    """
    plain = of(shape)
    if sorted(layout) != sorted(plain):
        return None
    unused = list(range(len(shape)))
    found = []
    for axis in layout:
        found.append(next(i for i in unused if plain[i] == axis))
        unused.remove(found[-1])
    return tuple(found)


def shuffled(layout: Layout, shape: Shape) -> int | None:
    """Return the number of groups if the layout is a channel shuffle, else None.

    Examples
    --------
    >>> grouped = reshape(of((6, 4)), (2, 3, 4))
    >>> shuffled(reshape(transpose(grouped, (1, 0, 2)), (6, 4)), (6, 4))
    2
    """
    plain = of(shape)
    if not shape or not layout or layout[1:] != plain[1:] or len(layout[0]) != 2:
        return None
    (inner, stride), (groups, jump) = layout[0]
    return groups if (stride, jump, groups * inner) == (math.prod(shape[1:]), stride * inner, shape[0]) else None


def indices(layout: Layout) -> np.ndarray:
    """Return the index within the flattened wire of each value of the flattened layout.

    Examples
    --------
    >>> indices(transpose(of((2, 3)), (1, 0))).tolist()
    [0, 3, 1, 4, 2, 5]
    """
    found = np.zeros(1, np.intp)
    for axis in layout:
        for size, stride in axis:
            found = np.add.outer(found, np.arange(size) * stride).ravel()
    return found


def _merged(atoms) -> Axis:
    """Return atoms without those of size 1, and with one atom where one stride is enough."""
    merged: list[tuple[int, int]] = []
    for size, stride in atoms:
        if merged and merged[-1][1] == size * stride:
            merged[-1] = merged[-1][0] * size, stride
        elif size > 1:
            merged.append((size, stride))
    return tuple(merged)
