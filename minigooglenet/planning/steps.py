"""Which nodes become one step of a plan: a layer with the layers fused into it, a single layer, or none (dropout)."""

import copy
from typing import NamedTuple

from minigooglenet.kernels import compiled, forms
from minigooglenet.layers import Add, BatchNorm2d, Concat, Conv2d, Dropout, Linear
from minigooglenet.planning.lowering import lowering


class Step(NamedTuple):
    """A layer as a plan computes it, the wires that it reads, their channels, and the nodes whose work it does.

    It writes the wire of the last node.

    layer : a copy of the layer, or a fused step (`fused`) that replaces it
    bind : function (layer, *inputs, out, images) -> [(task, count)] for `parallel_for`, or None if the layer's own
        `infer` or `forward` runs
    per_sample : whether each image is treated independently
    joins : whether the step is a concat
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
        """Whether all its work is split over threads, so that a team may run it."""
        return self.bind is not None or self.joins


def steps_of(graph, order, outputs, fuse=True, live=False):
    """Return the steps that do the work of the nodes in `order`, and {output of an identity: its input}.

    live : whether the steps use the layers of the graph, with the arrays that they have in every run, or copies
    """
    consumers: dict[str, list[str]] = {}
    copied = (lambda layer: layer) if live else copy.deepcopy
    for name in order:
        for wire in graph.nodes[name].wires:
            consumers.setdefault(wire, []).append(name)
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
        while chain[-1] not in outputs and len(consumers.get(chain[-1], ())) == 1:
            (follower,) = consumers[chain[-1]]
            if len(graph.nodes[follower].wires) != 1 or not _rule(graph, follower):
                break
            chain.append(follower)
        followers = [graph.nodes[node].layer for node in chain[1:]] if fuse else []
        fused = _fused(layer, followers, live) if rule and _may_fuse(layer) else None
        taken = len(fused.taken) if fused else 0
        done.update(chain[1 : 1 + taken])
        channels, nodes = tuple(graph.shapes[wire][0] for wire in wires), tuple(chain[: 1 + taken])
        if fused:
            steps.append(Step(fused, wires, channels, nodes, type(fused).bind, per_sample=True))
        elif rule:
            joins = type(layer) is Concat and forms.storey_of("concat") != "yours"
            steps.append(Step(copied(layer), wires, channels, nodes, *_bind_of(layer, rule), joins))
        else:
            steps.append(Step(copied(layer), wires, channels, nodes))
    return _by_depth(steps), same


def _bind_of(layer, rule):
    """Return (bind or None, whether a batch may be split) for a layer that is not fused."""
    storey = "fast" if rule.operation is None else forms.storey_of(rule.operation)
    bound = storey == "fast" and (rule.operation is None or hasattr(compiled.fast(), rule.operation))
    yours = storey == "yours" or not isinstance(getattr(layer, "algorithm", ""), str)
    return rule.bind if bound else None, rule.per_sample and not yours


def _may_fuse(layer):
    """Return whether compiled code computes this layer and `fused` supports it; only then is Numba imported."""
    if type(layer) is Conv2d and layer.algorithm != "auto":
        return compiled.fast() is not None
    operation = {Conv2d: "conv2d", Linear: "linear", Add: "add", BatchNorm2d: "batch_norm2d"}.get(type(layer))
    return operation is not None and forms.storey_of(operation) == "fast"


def _fused(layer, followers, live):
    from minigooglenet.planning import fused  # imports Numba

    return fused.fused(layer, followers, live)


def _rule(graph, name):
    """Return the Lowering of a node, or None if its layer no longer has the output shape that it was added with.

    Then the plan calls forward, as the graph does, so that both return the same or raise the same error.
    """
    layer, wires = graph.nodes[name]
    try:
        shape = tuple(layer.output_shape(*(graph.shapes[wire] for wire in wires)))
    except (ValueError, TypeError):
        return None
    return lowering(layer) if shape == graph.shapes[name] else None


def _by_depth(steps):
    """Order steps by their longest path from the inputs, so that branches run side by side and a team waits rarely."""
    depth = {}
    for step in steps:
        depth[step.wire] = 1 + max(depth.get(wire, 0) for wire in step.wires)
    return sorted(steps, key=lambda step: depth[step.wire])
