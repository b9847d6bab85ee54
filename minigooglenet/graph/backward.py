"""The backward pass: first decide which nodes take part, then run one loop over the nodes in reverse.

At a fork, a wire has two consumers and gets two gradients, which are added. An auxiliary head is a wire whose gradient
comes from its own loss. Popping caches from the tape is the memory policy: each cache is freed as soon as it is used.
"""

from typing import Any

import numpy as np

from minigooglenet import methods, parallel
from minigooglenet.graph.errors import checked_gradients, named_errors


def backward(nodes, grads, tape, targets, observer=None, on_gradients=None):
    """Run the nodes in reverse: pop each node's gradient and cache, call its layer's backward, add up the results.

    Parameters
    ----------
    nodes : {name: (layer, wires)}
    grads : {wire: gradient} to start from
    tape : the tape of the forward pass; it is empty afterwards
    targets : wires whose gradients are returned
    on_gradients : takes the parameter gradients of each node, which are then not returned

    Returns
    -------
    {wire: gradient, or None if none reached it} for `targets`, {"node/weight": gradient}
    """
    needed, pending = needed_wires(nodes, tape, targets), Pending(grads)
    grad_params: dict[str, Any] = {}
    with parallel.computing():
        for name in reversed(list(tape)):
            grad, cache = pending.take(name, keep=name in targets), tape.pop(name)
            if grad is None or name not in needed:
                continue
            layer, wires = nodes[name]
            needed_inputs = needed.intersection(wires)
            if not needed_inputs and (name in tape.frozen or not getattr(layer, "params", None)):
                continue  # only the gradient of its output is needed, and that is known
            if observer:
                observer.before(name, "backward")
            with named_errors(name, wires):
                grad_inputs, grads_of_layer = methods.backward(layer, grad, cache, need_inputs=bool(needed_inputs))
            checked_gradients(name, grad_inputs, wires, needed_inputs, tape.computed)
            parts = [(wire, part) for wire, part in zip(wires, grad_inputs, strict=True) if wire in needed_inputs]
            for wire, part in parts:
                pending.add(wire, part)
            named = {f"{name}/{key}": value for key, value in grads_of_layer.items()}
            if named and name not in tape.frozen:
                (on_gradients or grad_params.update)(named)
            if observer:
                observer.after(name, "backward", dict(parts) | named)
    return {wire: pending.sums.get(wire) for wire in targets}, grad_params


def needed_wires(nodes, tape, targets):
    """Return the wires whose gradient is needed: targets, and wires on a path from a target or a trained parameter."""
    needed = set(targets)
    for name in tape:
        layer, wires = nodes[name]
        trains = name not in tape.frozen and getattr(layer, "params", None)
        if trains or needed.intersection(wires):
            needed.add(name)
    return needed - tape.closed


class Pending:
    """{wire: sum of the gradients that have reached it so far}, and which sums were allocated here."""

    def __init__(self, grads):
        self.sums, self._allocated = dict(grads), set()

    def take(self, wire, keep):
        """Return the gradient of a wire, or None; remove it unless `keep`."""
        return self.sums.get(wire) if keep else self.sums.pop(wire, None)

    def add(self, wire, part):
        """Add a gradient to a wire: the first is stored, the second is added out of place, later ones in place.

        Out of place, because a layer may return one array for two wires, or a view of its upstream gradient. In place
        is safe for a sum that was allocated here, because it is not shared.
        """
        if wire not in self.sums:
            self.sums[wire] = part
        else:
            out = self.sums[wire] if wire in self._allocated else np.empty_like(part)
            self.sums[wire] = _add(self.sums[wire], part, out)
            self._allocated.add(wire)


def _add(a, b, out):
    parallel.parallel_for(lambda start, stop: np.add(a[start:stop], b[start:stop], out=out[start:stop]), len(out))
    return out
