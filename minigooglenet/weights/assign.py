"""Copying arrays into a network; all arrays are checked before the first one is copied."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping

import numpy as np

from minigooglenet.graph import Graph
from minigooglenet.names import hint
from minigooglenet.typing import Array
from minigooglenet.weights.contents import MOST_TEXT, check_values, some

_MOST_COMPARED = 1000  # names that are searched for a suggestion


def fill(
    graph: Graph, arrays: Mapping[str, Array], *, only: str | Iterable[str] | None = None, strict: bool = True
) -> list[str]:
    """Copy arrays into the parameters and buffers of the same names, and return the names.

    Parameters
    ----------
    graph : the network; it keeps its dtypes, so float16 and float64 arrays may become float32
    arrays : {"node/weight": array of floats}
    only : pattern or patterns of node names, such as "inception_[345]*"; other nodes are not changed
    strict : whether the network and `arrays` must have the same names; if False, only common names are copied

    Raises
    ------
    ValueError, TypeError
        If a name, a shape, a dtype or a value does not fit. The network is not changed then.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> g = mg.models.mini_googlenet(num_classes=3, width=0.25)
    >>> mg.weights.fill(g, {"loss3/classifier/bias": np.array([1.0, 2.0, 3.0])}, strict=False)
    ['loss3/classifier/bias']
    >>> g.params["loss3/classifier/bias"]
    array([1., 2., 3.], dtype=float32)
    """
    names = match(graph, arrays, only=only, strict=strict)
    targets = {**graph.params, **graph.buffers}
    for name in names:
        _check_values(name, arrays[name], targets[name].dtype)
    for name in names:
        targets[name][...] = arrays[name]
    return names


def match(graph, arrays, *, only=None, strict=True) -> list[str]:
    """Return the names that `fill` would copy, in network order, after all checks that need no values."""
    targets = {**graph.params, **graph.buffers}
    patterns = (only,) if isinstance(only, str) else None if only is None else tuple(only)
    in_graph, given = (_matching(names, patterns) for names in (targets, arrays))
    for pattern in patterns or ():
        if not _matching(targets, (pattern,)):
            nodes = dict.fromkeys(name.rpartition("/")[0] for name in targets)
            raise ValueError(f"no node with parameters matches {pattern!r}{_suggestion(pattern, nodes)}")
    common = [name for name in in_graph if name in given]
    if not common and (in_graph or given or patterns):
        raise ValueError(f"none of the {len(given)} arrays is in the network{_first_names(given, in_graph)}")
    missing = [name for name in in_graph if name not in given]
    unknown = [name for name in given if name not in in_graph]
    if strict and missing:
        verb = "is" if len(missing) == 1 else "are"
        raise ValueError(
            f"{len(missing)} of the {len(in_graph)} arrays of the network {verb} missing, for example {missing[0]!r}"
            f"{_suggestion(missing[0], unknown) or '.'} Pass strict=False to fill only the others."
        )
    if strict and unknown:
        verb = "has" if len(unknown) == 1 else "have"
        raise ValueError(
            f"{len(unknown)} of the {len(given)} given arrays {verb} no counterpart in the network, for example "
            f"{unknown[0]!r}{_suggestion(unknown[0], in_graph) or '.'} Pass strict=False to skip them."
        )
    for name in common:
        _check_kind(name, arrays[name], targets[name])
    return common


def _matching(names, patterns):
    """Return {name: None} for the names whose node matches a pattern, or for all names without patterns."""
    nodes = ((name, name.rpartition("/")[0]) for name in names)
    return {
        name: None for name, node in nodes if patterns is None or any(fnmatch.fnmatchcase(node, p) for p in patterns)
    }


def _check_kind(name, array, target):
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
        raise TypeError(f"{name!r} must be an array of floats, got {getattr(array, 'dtype', type(array).__name__)}")
    if array.shape != target.shape:
        hint = (
            ". To keep part of the network unchanged, fill only the rest: only=['conv*', 'inception_*']"
            if array.shape[1:] == target.shape[1:]
            else ""
        )
        raise ValueError(f"{name!r} must have the shape {target.shape}, got {array.shape}{hint}")
    if not target.flags.writeable:
        raise ValueError(f"{name!r} of the network is read-only. Try graph.params[{name!r}] = array.copy().")


def _check_values(name, array, dtype):
    check_values(name, array)
    largest = max(-array.min(initial=0), array.max(initial=0))
    if largest > np.finfo(dtype).max:
        raise ValueError(f"{some(name)} contains {largest:g}, which is too large for {dtype}, its dtype in the network")


def _suggestion(name, others):
    near = [other for other in list(others)[:_MOST_COMPARED] if len(other) <= MOST_TEXT]
    return "" if len(name) > MOST_TEXT else hint(name, near, cutoff=0.6)


def _first_names(given, in_graph):
    first, second = next(iter(given), None), next(iter(in_graph), None)
    return f": the first is {first!r}, the first in the network {second!r}" if first and second else ""
