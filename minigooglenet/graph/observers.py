"""What can watch a forward or a backward pass: two calls around every node.

An observer is any object with `before(node, direction)` and `after(node, direction, arrays)`. `direction` is "forward"
or "backward". `arrays` is {node: its output} forward; backward it is the gradients that the node sends, {wire: gradient
of an input, "node/weight": gradient of a parameter}. An observer must not change them.
"""

from minigooglenet.graph.errors import check_finite_wire


class FiniteCheck:
    """Stops a forward pass at the first wire that holds a NaN or an infinity."""

    def before(self, node, direction):
        """Nothing to do."""

    def after(self, node, direction, arrays):
        for wire, array in arrays.items():
            check_finite_wire(wire, array)


class Several:
    """Several observers as one."""

    def __init__(self, *observers):
        self.observers = observers

    def before(self, node, direction):
        for observer in self.observers:
            observer.before(node, direction)

    def after(self, node, direction, arrays):
        for observer in self.observers:
            observer.after(node, direction, arrays)
