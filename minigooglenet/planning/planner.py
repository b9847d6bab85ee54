"""A graph prepared for inference: fewer passes over memory, and none of it new.

What a plan does beyond `graph(x)`, as `print(plan)` tells: a convolution takes in the batch norm and ReLU behind it;
branches write straight into the output of the concat where they meet; dropout is left out; and arrays that are never
needed at the same time share memory, which stays warm in the caches from call to call. With as many images as threads,
each thread takes some of them through the whole network; few images are shared by a team, layer by layer. The team is
worth 9.5 ms instead of 12.4 for one image of GoogLeNet.

A plan holds the network as it is at this moment: later changes of the graph's parameters do not reach it.
"""

import math
import threading

import numpy as np

from minigooglenet import parallel
from minigooglenet.graph import Graph
from minigooglenet.graph.errors import check_inputs
from minigooglenet.kernels import compiled, forms
from minigooglenet.planning.layout import apart_from, places_of, rounds_of, slots_of
from minigooglenet.planning.memory import Memory
from minigooglenet.planning.steps import steps_of

TOGETHER = 4  # images that one thread takes through the network at a time
LARGEST_TEAM = 4  # threads that share the steps of few images: each more makes the others wait for Python's lock


class Plan:
    """What `plan` returns: call it with x (N, C, H, W), or with {input: array}."""

    def __init__(self, graph, outputs=None, *, fuse=True, join=True, apart=True):
        if not isinstance(graph, Graph):
            raise TypeError(f"plan takes a graph, got {type(graph).__name__}")
        if not graph.nodes:
            raise ValueError("the graph has no nodes yet")
        outputs = graph.main if outputs is None else outputs
        outputs = (outputs,) if isinstance(outputs, str) else tuple(outputs)
        order = [name for name, _ in graph.schedule(outputs)]
        self.outputs, self.together = outputs, TOGETHER
        self.left_out = [name for name in graph.nodes if name not in order]
        self.inputs, self.shapes = tuple(graph.inputs), dict(graph.shapes)
        self.choice = forms.choice.get()  # a plan keeps the forms that it was made with
        self.steps, self.same = steps_of(graph, order, outputs, fuse)
        self.places = places_of(self.steps, self.shapes, join)
        self.slots, self.sizes = slots_of(self)
        self.rounds = set(rounds_of(self))
        self.apart = apart and all(step.per_sample for step in self.steps)
        self._resting, self._lock = {}, threading.Lock()

    def __call__(self, x):
        """Return the array of the one output, or {wire: array} for several."""
        expected = {name: self.shapes[name] for name in self.inputs}
        inputs = check_inputs(x if isinstance(x, dict) else {self.inputs[0]: x}, expected)
        first = next(iter(inputs.values()))
        count, threads = len(first), parallel.get_num_threads()
        results = {wire: np.empty((count, *self.shapes[wire]), first.dtype) for wire in self.outputs}
        with parallel.computing(), forms.choice.replaced(self.choice):
            if self.apart and count >= min(threads, LARGEST_TEAM + 1):
                share = min(self.together, -(-count // threads))
                groups = [(start, min(count, start + share)) for start in range(0, count, share)]
                parallel.parallel_for(
                    lambda a, b: self._run_groups(groups[a:b], inputs, results, first.dtype), len(groups)
                )
            else:
                size = min(threads, LARGEST_TEAM) if self.apart and compiled.fast() else 1
                self._run_together(inputs, results, first.dtype, size)
        return results[self.outputs[0]] if len(self.outputs) == 1 else results

    def _run_groups(self, groups, inputs, results, dtype):
        memory, images = self._take_memory(dtype, "group"), len(next(iter(inputs.values())))
        for start, end in groups:
            arrays, jobs = memory.bind({name: x[start:end] for name, x in inputs.items()}, end - start, images)
            for job in jobs:
                job()
            for wire, result in results.items():
                result[start:end] = arrays[self.same.get(wire, wire)]
        self._give_back(memory, dtype, "group")

    def _run_together(self, inputs, results, dtype, size):
        """Run all images at once, each step shared by a team of threads that wait for one another between steps."""
        memory = self._take_memory(dtype, "team")
        images = len(next(iter(inputs.values())))
        arrays, jobs = memory.bind(dict(inputs), images, images)
        barrier = _barrier(size)

        def work(number):
            try:
                for place, (step, job) in enumerate(zip(self.steps, jobs, strict=True)):
                    if place in self.rounds:
                        barrier.wait()
                    if step.thread_parallel:
                        job()
                    elif number == 0:
                        parallel.alone(job)
            except BaseException:
                barrier.give_up()
                raise

        if size == 1 or not parallel.as_team(work, size, barrier.give_up):
            for job in jobs:
                job()
        for wire, result in results.items():
            result[:] = arrays[self.same.get(wire, wire)]
        self._give_back(memory, dtype, "team")

    def _take_memory(self, dtype, mode):
        with self._lock:
            resting = self._resting.setdefault((dtype, mode), [])
            return resting.pop() if resting else Memory(self, dtype)

    def _give_back(self, memory, dtype, mode):
        with self._lock:
            self._resting[dtype, mode].append(memory)

    def __repr__(self):
        return f"Plan({len(self.steps)} steps, outputs={list(self.outputs)})"

    def __str__(self):
        nodes = sum(len(step.nodes) for step in self.steps) + len(self.same)
        lines = [f"plan for {', '.join(self.outputs)}: {nodes} nodes in {len(self.steps)} steps"]
        if self.left_out:
            lines.append(f"left out, because no output needs them: {', '.join(self.left_out)}")
        if self.same:
            lines.append(f"left out, because inference passes their input on: {', '.join(self.same)}")
        named = [form if isinstance(form, str) else "yours" for form in self.choice.values()]
        if named != ["fast"]:
            operations = zip(self.choice, named, strict=True)
            lines.append("forms: " + ", ".join(f"{name}: {form}" if name else form for name, form in operations))
        if not all(step.per_sample for step in self.steps):
            names = [step.nodes[0] for step in self.steps if not step.per_sample]
            lines.append(f"images stay together, because {', '.join(names)} may depend on the whole batch")
        alone = sum(math.prod(self.shapes[node]) for step in self.steps for node in step.nodes)
        lines.append(
            f"{sum(self.sizes):,} values of memory for an image in {len(self.sizes)} shared arrays, "
            f"instead of {alone:,} in one for each node"
        )
        rows = [(" + ".join(step.nodes), self._how(step), self._where(step.wire)) for step in self.steps]
        widths = [max((len(row[i]) for row in rows), default=0) for i in range(2)]
        lines += [f"  {a:{widths[0]}}  {b:{widths[1]}}  -> {c}" for a, b, c in rows]
        return "\n".join(lines)

    def _how(self, step):
        if step.joins:
            there = len(step.wires) - len(apart_from(step, self.places))
            return f"{there} of {len(step.wires)} inputs are there already"
        return step.layer.describe() if hasattr(step.layer, "describe") else type(step.layer).__name__

    def _where(self, wire):
        place = self.places[wire]
        array = f"array {self.slots[place.whole]}"
        return array if place.whole == wire else f"{array}, channels {place.first} to {place.end} of {place.whole}"


def _barrier(size):
    if size == 1:
        return None
    from minigooglenet.planning.barrier import Barrier  # imports Numba

    return Barrier(size)


def plan(graph, outputs=None, *, fuse=True, join=True, apart=True):
    """Prepare a graph for inference with its parameters as they are now.

    Parameters
    ----------
    graph : Graph
    outputs : wire or wires to return; the main output unless given
    fuse : let a convolution take in the batch norm and the ReLU behind it, and use weights transformed ahead
    join : let branches write straight into their concat
    apart : take images apart through the network, or few of them as a team, instead of layer by layer with all threads

    Each of the last three can be switched off to see what it is worth (`minigooglenet bench ideas`).

    Returns
    -------
    Plan
        `plan(x)` returns what `graph(x)` does, to float32 round-off: about 4e-6 of the largest value where the two use
        different algorithms (`docs/accuracy.md`). `print(plan)` tells what runs, in what order, and where each wire
        lies.
    """
    return Plan(graph, outputs, fuse=fuse, join=join, apart=apart)
