"""A graph prepared for inference: fewer passes over memory, and none of it new.

What a plan does beyond `graph(x)`, each for a reason that `print(plan)` gives: a convolution takes in the batch norm and
the ReLU behind it; branches write straight into the output of the concat where they meet; dropout is left out; and
arrays that are never needed at the same time share memory, which stays warm in the caches from call to call. With as
many images as threads, each thread takes some of them through the whole network; with fewer, each layer is spread.

A plan holds the network as it is at this moment: later changes of the graph's parameters do not reach it.
"""

import copy
import math
import threading
from typing import NamedTuple

import numpy as np

from minigooglenet import parallel
from minigooglenet.graph import Graph, named_errors
from minigooglenet.layers import Dropout

TOGETHER = 4  # images that one thread takes through the network at a time


class Step(NamedTuple):
    """A layer made ready, the wires that it reads, the nodes whose work it does, and the wire of the last of them."""

    layer: object
    wires: tuple[str, ...]
    nodes: tuple[str, ...]

    @property
    def wire(self):
        return self.nodes[-1]

    @property
    def joins(self):
        return getattr(self.layer, "joins", False)


class Place(NamedTuple):
    """Where a wire lies: the channels first .. end of the array `whole`, which has a slot of memory."""

    whole: str
    first: int
    end: int


class Plan:
    """What `plan` returns: call it with x (N, C, H, W), or with {input: array}."""

    def __init__(self, graph, outputs=None, together=TOGETHER):
        if not isinstance(graph, Graph):
            raise TypeError(f"plan takes a graph, got {type(graph).__name__}")
        if not graph.nodes:
            raise ValueError("the graph has no nodes yet")
        outputs = graph.outputs[-1:] if outputs is None else (outputs,) if isinstance(outputs, str) else tuple(outputs)
        order = [name for name, _ in graph.schedule(outputs)]
        self.outputs, self.together = outputs, together
        self.left_out = [name for name in graph.nodes if name not in order]
        self.check_inputs, self.shapes = graph.check_inputs, dict(graph.shapes)
        self.inputs = tuple(graph.inputs)
        self.steps, self.same = _steps(graph, order, outputs)
        self.places = _places(self.steps, self.shapes)
        self.slots, self.sizes = _slots(self)
        self.apart = all(getattr(step.layer, "apart", False) for step in self.steps)
        self._resting, self._lock = [], threading.Lock()

    def __call__(self, x):
        """Return the array of the one output, or {wire: array} for several."""
        inputs = self.check_inputs(x if isinstance(x, dict) else {self.inputs[0]: x})
        first = next(iter(inputs.values()))
        count, threads = len(first), parallel.get_num_threads()
        results = {wire: np.empty((count, *self.shapes[wire]), first.dtype) for wire in self.outputs}
        with parallel.one_blas_thread():
            if self.apart and count >= threads:
                share = min(self.together, -(-count // threads))
                groups = [(start, min(count, start + share)) for start in range(0, count, share)]
                parallel.spread(lambda a, b: self._run_groups(groups[a:b], inputs, results, first.dtype), len(groups))
            else:
                self._run_groups([(0, count)], inputs, results, first.dtype)
        return results[self.outputs[0]] if len(self.outputs) == 1 else results

    def _run_groups(self, groups, inputs, results, dtype):
        memory = self._take_memory(dtype)
        for start, end in groups:
            arrays = {name: x[start:end] for name, x in inputs.items()} | memory.arrays(end - start)
            for step in self.steps:
                self._run(step, arrays)
            for wire, result in results.items():
                result[start:end] = arrays[self.same.get(wire, wire)]
        with self._lock:
            self._resting.append(memory)

    def _run(self, step, arrays):
        xs = [arrays[wire] for wire in step.wires]
        if step.joins:
            at = 0
            for wire, x in zip(step.wires, xs, strict=True):
                if self.places.get(wire, Place(wire, 0, 0)) != Place(self.places[step.wire].whole, at, at + x.shape[1]):
                    arrays[step.wire][:, at : at + x.shape[1]] = x
                at += x.shape[1]
            return
        with named_errors(step.nodes[0], step.wires):
            if hasattr(step.layer, "infer"):
                step.layer.infer(*xs, out=arrays[step.wire])
            else:
                arrays[step.wire][...] = step.layer.forward(*xs)[0]

    def _take_memory(self, dtype):
        with self._lock:
            for i, memory in enumerate(self._resting):
                if memory.dtype == dtype:
                    return self._resting.pop(i)
        return _Memory(self, dtype)

    def __repr__(self):
        return f"Plan({len(self.steps)} steps, outputs={list(self.outputs)})"

    def __str__(self):
        nodes = sum(len(step.nodes) for step in self.steps) + len(self.same)
        lines = [f"plan for {', '.join(self.outputs)}: {nodes} nodes in {len(self.steps)} steps"]
        if self.left_out:
            lines.append(f"left out, because no output needs them: {', '.join(self.left_out)}")
        if self.same:
            lines.append(f"left out, because inference passes their input on: {', '.join(self.same)}")
        if not self.apart:
            names = [step.nodes[0] for step in self.steps if not getattr(step.layer, "apart", False)]
            lines.append(f"images stay together, because {', '.join(names)} may look at the whole batch")
        alone = sum(math.prod(self.shapes[node]) for step in self.steps for node in step.nodes)
        lines.append(
            f"{sum(self.sizes):,} values of memory for an image in {len(self.sizes)} shared arrays, "
            f"instead of {alone:,} in one for each node"
        )
        rows = [(" + ".join(step.nodes), self._how(step), self._where(step.wire)) for step in self.steps]
        widths = [max(len(row[i]) for row in rows) for i in range(2)]
        lines += [f"  {a:{widths[0]}}  {b:{widths[1]}}  -> {c}" for a, b, c in rows]
        return "\n".join(lines)

    def _how(self, step):
        if step.joins:
            there = sum(self.places[wire].whole == self.places[step.wire].whole for wire in step.wires)
            return f"{there} of {len(step.wires)} inputs are there already"
        return step.layer.describe() if hasattr(step.layer, "describe") else type(step.layer).__name__

    def _where(self, wire):
        place = self.places[wire]
        array = f"array {self.slots[place.whole]}"
        return array if place.whole == wire else f"{array}, channels {place.first} to {place.end} of {place.whole}"


class _Memory:
    """The arrays of one thread: slots for the largest group so far, and every wire's view into them."""

    def __init__(self, plan, dtype):
        self.plan, self.dtype = plan, dtype
        self.room, self.slots, self.views = 0, [], {}

    def arrays(self, count):
        if count > self.room:
            self.room, self.views = count, {}
            self.slots = [np.empty(count * size, self.dtype) for size in self.plan.sizes]
        if count not in self.views:
            wholes = {}
            for whole, slot in self.plan.slots.items():
                shape = self.plan.shapes[whole]
                wholes[whole] = self.slots[slot][: count * math.prod(shape)].reshape(count, *shape)
            views = {wire: wholes[place.whole][:, place.first : place.end] for wire, place in self.plan.places.items()}
            self.views[count] = views | {
                wire: views[source] for wire, source in self.plan.same.items() if source in views
            }
        return self.views[count]


def _steps(graph, order, wanted):
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
        if type(layer) is Dropout:
            same[name] = wires[0]
            continue
        chain = [name]
        while chain[-1] not in wanted and len(readers.get(chain[-1], ())) == 1:
            (follower,) = readers[chain[-1]]
            if len(graph.nodes[follower].wires) != 1:
                break
            chain.append(follower)
        followers = [graph.nodes[node].layer for node in chain[1:]]
        ready, taken = layer.planned(followers) if hasattr(layer, "planned") else (copy.deepcopy(layer), 0)
        done.update(chain[1 : 1 + taken])
        steps.append(Step(ready, wires, tuple(chain[: 1 + taken])))
    return steps, same


def _places(steps, shapes):
    """Return {wire: Place}: the inputs of a concat lie in its output, where each has its channels to itself."""
    places = {step.wire: Place(step.wire, 0, shapes[step.wire][0]) for step in steps}
    for step in reversed(steps):  # a concat of concats finds its own place first
        if step.joins:
            joint, at = places[step.wire], 0
            for wire in step.wires:
                channels = shapes[wire][0]
                if wire in places and places[wire].whole == wire and step.wires.count(wire) == 1:
                    places[wire] = Place(joint.whole, joint.first + at, joint.first + at + channels)
                at += channels
    return places


def _slots(plan):
    """Return {whole array: number of its slot} and the slots' sizes: arrays that are not needed at once share."""
    last = {}
    for number, step in enumerate(plan.steps):
        for wire in (*step.wires, step.wire):
            if wire in plan.places:
                last[plan.places[wire].whole] = number
    for wire in plan.outputs:
        source = plan.same.get(wire, wire)
        if source in plan.places:
            last[plan.places[source].whole] = len(plan.steps)
    slots, sizes, free = {}, [], []
    for number, step in enumerate(plan.steps):
        whole = plan.places[step.wire].whole
        if whole not in slots:
            size = math.prod(plan.shapes[whole])
            # The smallest that is large enough, else the largest, which grows.
            slot = min(free, key=lambda i: (sizes[i] < size, abs(sizes[i] - size)), default=None)
            if slot is None:
                slot = len(sizes)
                sizes.append(0)
            else:
                free.remove(slot)
            slots[whole] = slot
            sizes[slot] = max(sizes[slot], size)
        free += [slots[name] for name, end in last.items() if end == number]
    return slots, sizes


def plan(graph, outputs=None):
    """Prepare a graph for inference with its parameters as they are now.

    Parameters
    ----------
    graph : Graph
    outputs : wire or wires to return; the main output unless given

    Returns
    -------
    Plan
        `plan(x)` returns what `graph(x)` does, to float32 round-off; `print(plan)` tells what runs, in what order, where
        each wire lies, and why.
    """
    return Plan(graph, outputs)
