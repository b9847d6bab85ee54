"""The backward walk: first decide which nodes take part, then run one loop against the order.

A branch is a wire with two consumers and gets two gradients, which add up. An auxiliary head is a wire that gets a
gradient of its own. Popping the tape is the memory policy: a cache is gone as soon as its node is done.
"""

import numpy as np

from minigooglenet import methods, parallel
from minigooglenet.graph.errors import checked_gradients, named_errors


def backward(nodes, grads, tape, asked, observer=None):
    """Walk the nodes in reverse: pop a wire's gradient and cache, call the layer's backward, add up what it returns.

    Parameters
    ----------
    nodes : {name: (layer, wires)}
    grads : {wire: gradient} to start from
    tape : of the forward pass; it is empty afterwards
    asked : wires whose gradients are returned

    Returns
    -------
    {wire: gradient, or None if none reached it} for `asked`, {"node/weight": gradient}
    """
    needed, pending, grad_params = needed_wires(nodes, tape, asked), Pending(grads), {}
    with parallel.computing():
        for name in reversed(list(tape)):
            grad, cache = pending.take(name, keep=name in asked), tape.pop(name)
            if grad is None or name not in needed:
                continue
            layer, wires = nodes[name]
            wanted = needed.intersection(wires)
            if not wanted and (name in tape.frozen or not getattr(layer, "params", None)):
                continue  # somebody asked for its own wire, and nobody for a gradient that it would send
            if observer:
                observer.before(name, "backward")
            with named_errors(name, wires):
                grad_inputs, grads_of_layer = methods.backward(layer, grad, cache, need_inputs=bool(wanted))
            checked_gradients(name, grad_inputs, wires, wanted, tape.computed)
            parts = [(wire, part) for wire, part in zip(wires, grad_inputs, strict=True) if wire in wanted]
            for wire, part in parts:
                pending.add(wire, part)
            named = {f"{name}/{key}": value for key, value in grads_of_layer.items()}
            if name not in tape.frozen:
                grad_params |= named
            if observer:
                observer.after(name, "backward", dict(parts) | named)
    return {wire: pending.sums.get(wire) for wire in asked}, grad_params


def needed_wires(nodes, tape, asked):
    """Return the wires whose gradient is needed: those asked for, or on the way to one or to a trained parameter."""
    needed = set(asked)
    for name in tape:
        layer, wires = nodes[name]
        trains = name not in tape.frozen and getattr(layer, "params", None)
        if trains or needed.intersection(wires):
            needed.add(name)
    return needed - tape.closed


class Pending:
    """The sums of the gradients that have reached each wire so far, and which of them nobody else holds."""

    def __init__(self, grads):
        self.sums, self._own = dict(grads), set()

    def take(self, wire, keep):
        """Return the gradient of a wire, or None; unless `keep`, it is gone afterwards."""
        return self.sums.get(wire) if keep else self.sums.pop(wire, None)

    def add(self, wire, part):
        """Add a gradient: the first is kept as it is, the second is added out of place, later ones into that sum.

        Out of place, because a layer may return one array for two wires, or a view of its upstream gradient.
        """
        if wire not in self.sums:
            self.sums[wire] = part
        else:
            out = self.sums[wire] if wire in self._own else np.empty_like(part)
            self.sums[wire] = _add(self.sums[wire], part, out)
            self._own.add(wire)


def _add(a, b, out):
    parallel.parallel_for(lambda start, stop: np.add(a[start:stop], b[start:stop], out=out[start:stop]), len(out))
    return out
