"""Arrays into a network: all of them are checked before the first one is changed."""

import difflib
import fnmatch

import numpy as np

from minigooglenet.weights.contents import MOST_TEXT, check_values, some

_MOST_COMPARED = 1000  # names that a suggestion is looked for in


def fill(graph, arrays, *, only=None, strict=True) -> list[str]:
    """Copy arrays into the parameters and buffers of the same names, and return the names.

    Parameters
    ----------
    graph : the network; it keeps its own types, so that float16 and float64 become float32
    arrays : {"node/weight": array of floats}
    only : pattern or patterns of node names, as "inception_[345]*"; whatever does not match is left as it is
    strict : whether the names must be the same on both sides; without it, what is on both sides is copied

    Raises
    ------
    ValueError, TypeError
        If a name, a shape, a type or a value does not fit; then nothing was changed.
    """
    names = match(graph, arrays, only=only, strict=strict)
    targets = {**graph.params, **graph.buffers}
    for name in names:
        _check_values(name, arrays[name], targets[name].dtype)
    for name in names:
        targets[name][...] = arrays[name]
    return names


def match(graph, arrays, *, only=None, strict=True) -> list[str]:
    """Return the names that `fill` would copy, in the network's order, after all checks that need no value."""
    targets = {**graph.params, **graph.buffers}
    patterns = (only,) if isinstance(only, str) else None if only is None else tuple(only)
    here, there = (_matching(names, patterns) for names in (targets, arrays))
    for pattern in patterns or ():
        if not _matching(targets, (pattern,)):
            nodes = dict.fromkeys(name.rpartition("/")[0] for name in targets)
            raise ValueError(f"no node with parameters is called {pattern!r}{_perhaps(pattern, nodes)}")
    common = [name for name in here if name in there]
    if not common and (here or there or patterns):
        raise ValueError(f"none of the {len(there)} arrays is in the network{_first_names(there, here)}")
    missing, unknown = [name for name in here if name not in there], [name for name in there if name not in here]
    if strict and missing:
        raise ValueError(
            f"{len(missing)} of {len(here)} arrays of the network are not there, the first {missing[0]!r}"
            f"{_perhaps(missing[0], unknown)}; strict=False fills what is there"
        )
    if strict and unknown:
        raise ValueError(
            f"{len(unknown)} of {len(there)} arrays are not in the network, the first {unknown[0]!r}"
            f"{_perhaps(unknown[0], here)}; strict=False leaves them out"
        )
    for name in common:
        _check_kind(name, arrays[name], targets[name])
    return common


def _matching(names, patterns):
    """Return {name: None} of the names whose node matches one of the patterns, all without patterns."""
    nodes = ((name, name.rpartition("/")[0]) for name in names)
    return {
        name: None for name, node in nodes if patterns is None or any(fnmatch.fnmatchcase(node, p) for p in patterns)
    }


def _check_kind(name, array, target):
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
        raise TypeError(f"{name!r} must be an array of floats, got {getattr(array, 'dtype', type(array).__name__)}")
    if array.shape != target.shape:
        hint = (
            "; to leave a part of the network as it is, fill the others: only=['conv*', 'inception_*']"
            if array.shape[1:] == target.shape[1:]
            else ""
        )
        raise ValueError(f"{name!r} has the shape {target.shape} in the network, got {array.shape}{hint}")
    if not target.flags.writeable:
        raise ValueError(f"{name!r} of the network cannot be written to; perhaps graph.params[...] = array.copy()?")


def _check_values(name, array, dtype):
    check_values(name, array)
    largest = max(-array.min(initial=0), array.max(initial=0))
    if largest > np.finfo(dtype).max:
        raise ValueError(f"{some(name)} holds {largest:g}, which is too large for the network's {dtype}")


def _perhaps(name, others):
    near = [other for other in list(others)[:_MOST_COMPARED] if len(other) <= MOST_TEXT]
    close = [] if len(name) > MOST_TEXT else difflib.get_close_matches(name, near, n=2, cutoff=0.6)
    return f"; perhaps {' or '.join(map(repr, close))} is meant?" if close else ""


def _first_names(there, here):
    first, second = next(iter(there), None), next(iter(here), None)
    return f": {first!r} there, {second!r} here" if first and second else ""
