"""What a forward pass keeps for its backward pass."""


class Tape(dict):
    """{node: cache} of one forward pass, good for one backward pass, which pops it to free memory.

    Attributes
    ----------
    computed : {wire: shape with the batch axis}
    frozen : nodes that computed as in inference, and whose parameters get no gradients
    closed : wires that no gradient passes, because nothing before them trains
    spent : whether a backward has used it
    """

    def __init__(self, nodes, input_shapes, frozen=()):
        super().__init__()
        self.nodes, self.computed = nodes, dict(input_shapes)
        self.frozen, self.spent = frozenset(frozen), False
        self.closed = set(input_shapes) if frozen else set()

    def keep(self, name, layer, wires, shape, cache):
        """Keep a node's cache, unless no gradient can come past it."""
        self.computed[name] = shape
        trains = name not in self.frozen and getattr(layer, "params", ())
        if self.closed.issuperset(wires) and not trains:
            self.closed.add(name)
        else:
            self[name] = cache

    def __repr__(self):
        return f"Tape({len(self)} caches{', used' if self.spent else ''})"
