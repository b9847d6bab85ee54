"""Which nodes become one step of a plan: a layer with what is fused into it, a layer as it is, or none (dropout)."""

import copy
from typing import NamedTuple

from minigooglenet.kernels import compiled, forms
from minigooglenet.layers import Concat, Conv2d, Dropout, Linear
from minigooglenet.planning.lowering import lowering


class Step(NamedTuple):
    """A layer as a plan computes it, the wires that it reads and their channels, and the nodes whose work it does.

    It writes the wire of the last of them.

    layer : a copy of the layer, or a fused step (`fused`) in its place
    bind : function (layer, *inputs, out, images) -> [(task, count)] for `parallel_for`, or None: the layer's own
        `infer` or `forward` runs
    per_sample : whether each image is treated by itself
    joins : whether the output is the inputs, one after the other
    """

    layer: object
    wires: tuple[str, ...]
    channels: tuple[int, ...]
    nodes: tuple[str, ...]
    bind: object = None
    per_sample: bool = False
    joins: bool = False

    @property
    def wire(self):
        return self.nodes[-1]

    @property
    def thread_parallel(self):
        """Whether it does nothing but spread work over threads, so that a team may share it."""
        return self.bind is not None or self.joins


def steps_of(graph, order, wanted, fuse=True):
    """Return the steps that do the work of the nodes in `order`, and {wire: the wire whose values it has}."""
    readers = {}
    for name in order:
        for wire in graph.nodes[name].wires:
            readers.setdefault(wire, []).append(name)
    steps, same, done = [], {}, set()
    for name in order:
        layer, wires = graph.nodes[name]
        wires = tuple(same.get(wire, wire) for wire in wires)
        if name in done:
            continue
        rule = _rule(graph, name)
        if type(layer) is Dropout and rule:
            same[name] = wires[0]
            continue
        chain = [name]
        while chain[-1] not in wanted and len(readers.get(chain[-1], ())) == 1:
            (follower,) = readers[chain[-1]]
            if len(graph.nodes[follower].wires) != 1 or not _rule(graph, follower):
                break
            chain.append(follower)
        followers = [graph.nodes[node].layer for node in chain[1:]] if fuse else []
        fused = _fused(layer, followers) if rule and _may_fuse(layer) else None
        taken = len(fused.taken) if fused else 0
        done.update(chain[1 : 1 + taken])
        channels, nodes = tuple(graph.shapes[wire][0] for wire in wires), tuple(chain[: 1 + taken])
        if fused:
            steps.append(Step(fused, wires, channels, nodes, type(fused).bind, per_sample=True))
        elif rule:
            joins = type(layer) is Concat and forms.storey_of("concat") != "yours"
            steps.append(Step(copy.deepcopy(layer), wires, channels, nodes, *_ways(layer, rule), joins))
        else:
            steps.append(Step(copy.deepcopy(layer), wires, channels, nodes))
    return _by_depth(steps), same


def _ways(layer, rule):
    """Return (bind or None, whether a batch may be split) of a layer that no other is fused with."""
    storey = "fast" if rule.operation is None else forms.storey_of(rule.operation)
    bound = storey == "fast" and (rule.operation is None or hasattr(compiled.fast(), rule.operation))
    own = storey == "yours" or not isinstance(getattr(layer, "algorithm", ""), str)
    return rule.bind if bound else None, rule.per_sample and not own


def _may_fuse(layer):
    """Return whether compiled code computes a layer that `fused` knows; only then is Numba imported."""
    if type(layer) is Linear:
        return forms.storey_of("linear") == "fast"
    if type(layer) is not Conv2d:
        return False
    return forms.storey_of("conv2d") == "fast" if layer.algorithm == "auto" else compiled.fast() is not None


def _fused(layer, followers):
    from minigooglenet.planning import fused  # imports Numba

    return fused.fused(layer, followers)


def _rule(graph, name):
    """Return how a plan lowers a node, or None if its layer no longer has the shape that it was added with.

    Then the plan calls its forward as the graph does, so that both return the same or raise the same error.
    """
    layer, wires = graph.nodes[name]
    try:
        shape = tuple(layer.output_shape(*(graph.shapes[wire] for wire in wires)))
    except (ValueError, TypeError):
        return None
    return lowering(layer) if shape == graph.shapes[name] else None


def _by_depth(steps):
    """Order steps by their longest way from the inputs: branches go side by side, and a team seldom has to wait."""
    depth = {}
    for step in steps:
        depth[step.wire] = 1 + max(depth.get(wire, 0) for wire in step.wires)
    return sorted(steps, key=lambda step: depth[step.wire])
