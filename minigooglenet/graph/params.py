"""All parameters of a graph as one dict {"node/weight": array}, without copying any."""

from collections.abc import MutableMapping

from minigooglenet import checks
from minigooglenet.names import closest


class Named(dict):
    """A dict of a graph's parts by name, whose KeyError suggests the right name; `what` is "node" or "wire"."""

    def __init__(self, what, *values):
        super().__init__(*values)
        self.what = what

    def __missing__(self, name):
        raise KeyError(unknown(self.what, name, self))


def unknown(what, name, names) -> str:
    """Return an error's text for a `name` that is not among `names`, with the closest of them."""
    close = closest(name, names)
    return f"unknown {what} {name!r}" + (f". Did you mean {close}?" if close else "")


class ArrayView(MutableMapping):
    """A live view of one dict of arrays per layer: reading and assigning go straight to the layer's own."""

    def __init__(self, nodes, attribute):
        self._nodes, self._attribute = nodes, attribute

    def _place(self, key):
        node, _, name = str(key).rpartition("/")
        arrays = getattr(self._nodes[node].layer, self._attribute, {}) if node in self._nodes else {}
        if name not in arrays:
            close = closest(key, self)
            hint = f"; perhaps {close}?" if close else ""
            raise KeyError(f"there is no {key!r} in {self._attribute}{hint}")
        return arrays, name

    def __getitem__(self, key):
        arrays, name = self._place(key)
        return arrays[name]

    def __setitem__(self, key, value):
        old = self[key]
        arrays, name = self._place(key)
        arrays[name] = checks.has_shape(checks.floating(value, repr(key)), repr(key), old.shape)

    def __delitem__(self, key):
        raise TypeError(f"{key!r} belongs to its layer and cannot be removed from here")

    def __iter__(self):
        for node, (layer, _) in self._nodes.items():
            for name in getattr(layer, self._attribute, {}):
                yield f"{node}/{name}"

    def __len__(self):
        return sum(1 for _ in self)

    def __repr__(self):
        return "{" + ", ".join(f"{key!r}: {value.shape}" for key, value in self.items()) + "}"
