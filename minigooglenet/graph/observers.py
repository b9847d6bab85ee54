"""What can watch a forward or a backward pass: two calls around every node.

An observer is any object with `before(node, direction)` and `after(node, direction, arrays)`. `direction` is "forward"
or "backward". `arrays` is {node: its output} forward; backward it is the gradients that the node sends, {wire: gradient
of an input, "node/weight": gradient of a parameter}. An observer must not change them.
"""

from minigooglenet.graph.errors import check_finite_wire


class FiniteCheck:
    """Stops at the first wire that holds a NaN or an infinity; another observer is called where nothing is wrong."""

    def __init__(self, other=None):
        self.other = other

    def before(self, node, direction):
        if self.other:
            self.other.before(node, direction)

    def after(self, node, direction, arrays):
        for wire, array in arrays.items():
            check_finite_wire(wire, array)
        if self.other:
            self.other.after(node, direction, arrays)
