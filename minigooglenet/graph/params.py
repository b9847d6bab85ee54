"""All parameters of a graph as one dict {"node/weight": array}, without copies."""

from collections.abc import MutableMapping
from typing import Any

from minigooglenet import checks
from minigooglenet.names import hint


class Named(dict[str, Any]):
    """A dict of nodes or wires whose KeyError suggests the right name; `what` is "node" or "wire"."""

    def __init__(self, what, *values):
        super().__init__(*values)
        self.what = what

    def __missing__(self, name):
        raise KeyError(unknown(self.what, name, self))


def unknown(what, name, names) -> str:
    """Return the error message for a `name` that is not in `names`, with the closest names."""
    return f"unknown {what} {name!r}{hint(name, names)}"


class ArrayView(MutableMapping[str, Any]):
    """A live view of one dict of arrays per layer: reads and assignments go to the layers."""

    def __init__(self, nodes, attribute):
        self._nodes, self._attribute = nodes, attribute

    def _find(self, key):
        node, _, name = str(key).rpartition("/")
        arrays = getattr(self._nodes[node].layer, self._attribute, {}) if node in self._nodes else {}
        if name not in arrays:
            raise KeyError(f"{self._attribute} has no entry {key!r}{hint(key, self)}")
        return arrays, name

    def __getitem__(self, key):
        arrays, name = self._find(key)
        return arrays[name]

    def __setitem__(self, key, value):
        old = self[key]
        arrays, name = self._find(key)
        arrays[name] = checks.has_shape(checks.floating(value, repr(key)), repr(key), old.shape)

    def __delitem__(self, key):
        raise TypeError(f"{key!r} belongs to its layer and cannot be deleted here")

    def __iter__(self):
        for node, (layer, _) in self._nodes.items():
            for name in getattr(layer, self._attribute, {}):
                yield f"{node}/{name}"

    def __len__(self):
        return sum(1 for _ in self)

    def __repr__(self):
        return "{" + ", ".join(f"{key!r}: {value.shape}" for key, value in self.items()) + "}"
