"""The tape: the caches that a forward pass saves for its backward pass."""

from typing import Any


class Tape(dict[str, Any]):
    """{node: cache} of one forward pass, for one backward pass, which removes each cache after use.

    Attributes
    ----------
    computed : {wire: shape with the batch axis}
    frozen : nodes that computed as in inference, and whose parameters get no gradients
    closed : wires without gradients, because nothing before them is trained
    spent : whether a backward pass has used it
    """

    def __init__(self, nodes, input_shapes, frozen=()):
        super().__init__()
        self.nodes, self.computed = nodes, dict(input_shapes)
        self.frozen, self.spent = frozenset(frozen), False
        self.closed = set(input_shapes) if frozen else set()

    def keep(self, name, layer, wires, shape, cache):
        """Save a node's cache, unless the node is never part of a backward pass."""
        self.computed[name] = shape
        trains = name not in self.frozen and getattr(layer, "params", None)
        if self.closed.issuperset(wires) and not trains:
            self.closed.add(name)
        else:
            self[name] = cache

    def __repr__(self):
        return f"Tape({len(self)} caches{', used' if self.spent else ''})"
