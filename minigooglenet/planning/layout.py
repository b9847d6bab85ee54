"""The memory layout of a plan: the view and the buffer of each wire, and the steps before which a team must wait."""

import math
from typing import NamedTuple


class View(NamedTuple):
    """The channels first .. end of the array of wire `owner`, which has a buffer."""

    owner: str
    first: int
    end: int


def views_of(steps, shapes, join=True):
    """Return {wire: View}: the inputs of a concat are views of its output, unless another wire uses those channels."""
    views = {step.wire: View(step.wire, 0, shapes[step.wire][0]) for step in steps}
    for step in reversed(steps):  # so that in a concat of concats the outer one comes first
        if join and step.joins:
            output, at = views[step.wire], 0
            for wire in step.wires:
                channels = shapes[wire][0]
                if wire in views and views[wire].owner == wire and step.wires.count(wire) == 1:
                    views[wire] = View(output.owner, output.first + at, output.first + at + channels)
                at += channels
    return views


def waits_of(plan):
    """Return the indices of the steps before which the threads of a team must wait for one another.

    A step may begin while other threads still run earlier steps if it does not read what those write, and does not
    write to a buffer that they use.
    """
    waits, written, used = [], set(), {}
    for index, step in enumerate(plan.steps):
        owner = plan.views[step.wire].owner
        if step.joins and not misplaced_inputs(step, plan.views):
            continue  # no input must be copied
        reads = {plan.views[wire].owner for wire in step.wires if wire in plan.views}
        buffer = plan.buffers[owner]
        if not step.thread_parallel or reads & written or used.get(buffer, owner) != owner:
            waits.append(index)
            written, used = set(), {}
        written.add(owner)
        used |= {plan.buffers[name]: name for name in (*reads, owner)}
        if not step.thread_parallel:
            written = set(plan.buffers)  # one thread runs the step, and all others wait for it
    return waits


def phases_of(count, waits):
    """Return lists of the indices of `count` steps: a new one begins before each step in `waits`.

    The steps of a phase neither read nor overwrite what another one writes, so threads may run them in any order.
    """
    starts = [index for index in range(count) if index == 0 or index in waits]
    return [list(range(start, end)) for start, end in zip(starts, [*starts[1:], count], strict=False)]


def misplaced_inputs(step, views):
    """Return {index of an input: first channel} for the inputs of a concat that must be copied into its output."""
    misplaced, output = {}, views[step.wire]
    at = output.first
    for index, (wire, channels) in enumerate(zip(step.wires, step.channels, strict=True)):
        if views.get(wire) != View(output.owner, at, at + channels):
            misplaced[index] = at - output.first
        at += channels
    return misplaced


def buffers_of(plan):
    """Return {owner: index of its buffer} and the buffer sizes. Arrays never needed together share a buffer."""
    last = {}
    for index, step in enumerate(plan.steps):
        for wire in (*step.wires, step.wire):
            if wire in plan.views:
                last[plan.views[wire].owner] = index
    for wire in plan.outputs:
        source = plan.identities.get(wire, wire)
        if source in plan.views:
            last[plan.views[source].owner] = len(plan.steps)
    buffers, sizes, free = {}, [], []
    for index, step in enumerate(plan.steps):
        owner = plan.views[step.wire].owner
        if owner not in buffers:
            size = math.prod(plan.shapes[owner])
            # The smallest buffer that is large enough, else the largest, which grows.
            buffer = min(free, key=lambda i: (sizes[i] < size, abs(sizes[i] - size)), default=None)
            if buffer is None:
                buffer = len(sizes)
                sizes.append(0)
            else:
                free.remove(buffer)
            buffers[owner] = buffer
            sizes[buffer] = max(sizes[buffer], size)
        free += [buffers[name] for name, end in last.items() if end == index]
    return buffers, sizes
