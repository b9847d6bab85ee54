"""What a forward pass keeps for its backward pass."""


class Tape(dict):
    """{node: cache} of one forward, good for one backward."""

    def __init__(self, nodes, input_shapes):
        super().__init__()
        self.nodes = nodes
        self.computed = dict(input_shapes)  # wire -> shape with the batch axis
        self.closed = set()  # wires that no gradient passes, because nothing before them trains
        self.frozen = frozenset()
        self.spent = False

    def __repr__(self):
        return f"Tape({len(self)} caches{', used' if self.spent else ''})"
