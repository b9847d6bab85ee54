"""Many arrays in one flat array: one message per step instead of one for each parameter."""

import itertools
from collections.abc import Mapping

import numpy as np

from minigooglenet import checks
from minigooglenet.graph import Graph
from minigooglenet.typing import Array


class Flat:
    """The layout of named arrays in one array (M,).

    arrays : {name: array}, for names, shapes and dtypes; the dtype of the flat array can hold all of them

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet.distributed import Flat
    >>> layout = Flat({"weight": np.zeros((2, 2)), "bias": np.zeros(2)})
    >>> layout.size
    6
    >>> flat = layout.pack({"weight": np.ones((2, 2)), "bias": np.array([2.0, 3.0])})
    >>> flat, layout.unpack(flat)["bias"]
    (array([1., 1., 1., 1., 2., 3.]), array([2., 3.]))
    """

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        self._like = {name: (array.shape, array.dtype) for name, array in arrays.items()}
        ends = np.cumsum([0, *(array.size for array in arrays.values())]).tolist()
        self._bounds = list(itertools.pairwise(ends))
        self.size: int = ends[-1]
        self.dtype = np.result_type(*(dtype for _, dtype in self._like.values())) if arrays else np.dtype(np.float32)

    def __repr__(self) -> str:
        return f"Flat({len(self._like)} arrays, {self.size:,} values, {self.dtype})"

    def pack(self, arrays: Mapping[str, Array], out: Array | None = None) -> Array:
        """Return a flat array (M,) with the values of all arrays: `out`, or a new one without it."""
        if arrays.keys() != self._like.keys():
            names = sorted(arrays.keys() ^ self._like.keys())
            raise ValueError(f"expected the arrays of the layout, but these are only on one side: {', '.join(names)}")
        flat = np.empty(self.size, self.dtype) if out is None else out
        for (start, stop), (name, (shape, _)) in zip(self._bounds, self._like.items(), strict=True):
            flat[start:stop] = checks.has_shape(arrays[name], repr(name), shape).reshape(-1)
        return flat

    def unpack(self, flat: Array) -> dict[str, Array]:
        """Return {name: array}, views of the flat array where the dtypes agree."""
        checks.has_shape(flat, "the flat array", (self.size,))
        return {
            name: flat[start:stop].reshape(shape).astype(dtype, copy=False)
            for (start, stop), (name, (shape, dtype)) in zip(self._bounds, self._like.items(), strict=True)
        }


def of_training(graph: Graph, weights: Mapping[str, float], frozen: frozenset[str]) -> tuple[Flat, list[str]]:
    """Return (the layout of what a shard contributes, names of its gradients): all gradients, then all buffers.

    weights : {wire: loss weight}; parameters that none of these classifiers uses have no gradient
    """
    nodes = {name for name, _ in graph.schedule(tuple(weights))} - frozen
    trained = [name for name in graph.params if name.rpartition("/")[0] in nodes]
    return Flat({name: graph.params[name] for name in trained} | _buffers(graph)), trained


def contribution(graph: Graph, gradients: Mapping[str, Array], factor: float) -> dict[str, Array]:
    """Return what a shard adds to the sum: its gradients, and its running statistics times its part of the batch."""
    return {**gradients, **{name: array * array.dtype.type(factor) for name, array in _buffers(graph).items()}}


def _buffers(graph):
    return {f"buffers/{name}": array for name, array in graph.buffers.items()}


def buffers_of(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return the running statistics in an unpacked sum, under the names that they have in the graph."""
    return {name.removeprefix("buffers/"): array for name, array in arrays.items() if name.startswith("buffers/")}
