"""A graph prepared for inference: fewer passes over memory, and no new memory per call.

A plan does five things that a graph does not do node by node; `print(plan)` shows them. Batch norm and ReLU are fused
into the convolution before them. Branches write directly into the output of their concat. Dropout is removed. Arrays
that are never needed at the same time share a buffer, which stays in the caches from call to call. The channels of a
pixel are neighbours in memory (`channels_last`).

With as many images as threads, each thread takes some images through the whole network. Fewer images are computed by a
thread team: every step consists of pieces, one for each thread, and a thread that has finished takes what others left.
With a team, one image of GoogLeNet takes 9.5 ms instead of 12.4.

A plan copies the network: later changes of the graph's parameters do not affect it. `graph(x)` runs a live plan
(`live`), which copies no layer.
"""

import math
import threading
from collections.abc import Callable, Iterable
from itertools import chain, zip_longest
from typing import Any

import numpy as np

from minigooglenet import parallel, renamed
from minigooglenet.graph import Graph
from minigooglenet.graph.errors import check_inputs
from minigooglenet.kernels import compiled, forms
from minigooglenet.planning.channels_last import rebound
from minigooglenet.planning.layout import buffers_of, misplaced_inputs, phases_of, views_of, waits_of
from minigooglenet.planning.memory import Memory, pieces_of
from minigooglenet.planning.steps import steps_of
from minigooglenet.typing import Array

# Images that one thread takes through the network at a time. Larger groups read the weights less often, but need more
# memory. Gain: 32 images of GoogLeNet take 0.95 of the time that they take in groups of four.
GROUP_SIZE = 8
# Threads of a team. Each runs the Python of about 84 pieces of GoogLeNet, 0.8 ms, and the GIL lets them run one after
# another, while the kernels take 17.5 ms divided by the threads: from five threads on, the Python would take longer.
LARGEST_TEAM = 4


class Plan:
    """What `plan` returns: call it with x (N, C, H, W), or with {input: array}."""

    def __init__(
        self,
        graph: Graph,
        outputs: str | Iterable[str] | None = None,
        *,
        fuse: bool = True,
        join: bool = True,
        split_batch: bool = True,
        channels_last: bool = True,
    ) -> None:
        if not isinstance(graph, Graph):
            raise TypeError(f"plan expects a graph, got {type(graph).__name__}")
        if not graph.nodes:
            raise ValueError("the graph has no nodes yet")
        outputs = graph.main if outputs is None else outputs
        outputs = (outputs,) if isinstance(outputs, str) else tuple(outputs)
        order = [name for name, _ in graph.schedule(outputs)]
        self.outputs, self.group_size = outputs, GROUP_SIZE
        self.unneeded = [name for name in graph.nodes if name not in order]
        self.inputs, self.shapes = tuple(graph.inputs), dict(graph.shapes)
        self.choice = forms.choice.get()  # a plan keeps the forms that were chosen when it was made
        self.steps, self.identities = self._steps_of(graph, order, fuse)
        self.views = views_of(self.steps, self.shapes, join)
        steps = rebound(self.steps, self.shapes, set(self.inputs), self.views) if channels_last else None
        self.channels_last, self.steps = steps is not None, steps or self.steps
        self.buffers, self.sizes = buffers_of(self)
        self.waits = set(waits_of(self))
        self.phases = phases_of(len(self.steps), self.waits)
        # Steps that are bound to the caller's arrays, and so in every call.
        self.reading = {i for i, step in enumerate(self.steps) if not set(self.inputs).isdisjoint(step.wires)}
        self.split_batch = split_batch and all(step.per_sample for step in self.steps)
        self.most_threads = LARGEST_TEAM if self.split_batch and compiled.fast() else 1  # of a team
        # To observe each thread: `observe(index, call)` returns a function that runs instead of `call`, which computes
        # a piece of step `index`, or waits for the other threads if `index` is None.
        self.observe: Callable[[int | None, Callable[[], None]], Callable[[], None]] | None = None
        self._unused: dict[Any, list[Memory]] = {}
        self._lock = threading.Lock()

    def _steps_of(self, graph, order, fuse):
        return steps_of(graph, order, self.outputs, fuse)

    def __call__(self, x: Array | dict[str, Array]) -> Any:
        """Return the array of the one output, or {wire: array} for several."""
        expected = {name: self.shapes[name] for name in self.inputs}
        inputs = check_inputs(x if isinstance(x, dict) else {self.inputs[0]: x}, expected)
        results = self._run(inputs)
        return results[self.outputs[0]] if len(self.outputs) == 1 else results

    def _run(self, inputs):
        """Return {wire: array} for checked inputs."""
        first = next(iter(inputs.values()))
        count, threads = len(first), parallel.get_num_threads()
        results = {wire: np.empty((count, *self.shapes[wire]), first.dtype) for wire in self.outputs}
        with parallel.computing(), forms.choice.replaced(self.choice):
            if self.split_batch and count >= min(threads, LARGEST_TEAM + 1):
                groups = groups_of(count, self.group_size, threads)
                parallel.parallel_for(
                    lambda a, b: self._run_groups(groups[a:b], inputs, results, first.dtype), len(groups)
                )
            else:
                self._run_together(inputs, results, first.dtype, min(threads, self.most_threads))
        return results

    def _run_groups(self, groups, inputs, results, dtype):
        memory, images = self._take_memory(dtype, "group"), len(next(iter(inputs.values())))
        for start, end in groups:
            arrays, jobs = memory.bind({name: x[start:end] for name, x in inputs.items()}, end - start, images)
            for job in self._observed(range(len(jobs)), jobs):
                job()
            for wire, result in results.items():
                result[start:end] = arrays[self.identities.get(wire, wire)]
        self._return_memory(memory, dtype, "group")

    def _run_together(self, inputs, results, dtype, size):
        """Run all images at once: a team of threads takes the pieces of each phase, and waits between phases."""
        memory = self._take_memory(dtype, "team")
        images = len(next(iter(inputs.values())))
        arrays, jobs = memory.bind(dict(inputs), images, images)
        barrier = _barrier(size)
        if barrier and self.observe:
            barrier.wait = self.observe(None, barrier.wait)
        phases = self._divided(memory, jobs, images, size) if size > 1 else ()  # one thread needs no pieces

        def work(rank):
            try:
                for waits, serial, queues in phases:
                    if waits:
                        barrier.wait()
                    for job in serial if rank == 0 else ():
                        job()
                    # Its own pieces, and then those that the others have left. A thread computes the same part of one
                    # layer after another, so its inputs are still in its caches.
                    for piece in chain(*queues[rank:], *queues[:rank]):
                        piece()
            except BaseException:
                barrier.give_up()
                raise

        if size == 1 or not parallel.as_team(work, size, barrier.give_up):
            for job in self._observed(range(len(jobs)), jobs):
                job()
        for wire, result in results.items():
            result[:] = arrays[self.identities.get(wire, wire)]
        self._return_memory(memory, dtype, "team")

    def _divided(self, memory, jobs, images, size):
        """Return (whether to wait, jobs of the first thread, an iterator over pieces for each thread) for each phase.

        Phases that do not read the caller's arrays are divided once, unless they are observed.
        """
        kept, divided = memory.divided.setdefault((images, size), {}), []
        for number, phase in enumerate(self.phases):
            entry = None if self.observe else kept.get(number)
            if entry is None:
                serial = [index for index in phase if not self.steps[index].thread_parallel]
                pieces = [self._observed([i] * size, pieces_of(jobs[i], size)) for i in phase if i not in serial]
                by_rank = [[piece for piece in same if piece is not None] for same in zip_longest(*pieces)]
                entry = phase[0] in self.waits, self._observed(serial, [jobs[i] for i in serial]), by_rank
                if not self.observe and self.reading.isdisjoint(phase):
                    kept[number] = entry
            waits, serial, by_rank = entry
            divided.append((waits, serial, [iter(pieces) for pieces in by_rank]))
        return divided

    def _observed(self, indices, jobs):
        if self.observe is None:
            return jobs
        return [self.observe(index, job) for index, job in zip(indices, jobs, strict=False)]

    def _take_memory(self, dtype, mode):
        with self._lock:
            unused = self._unused.setdefault((dtype, mode), [])
            return unused.pop() if unused else Memory(self, dtype)

    def _return_memory(self, memory, dtype, mode):
        with self._lock:
            self._unused.setdefault((dtype, mode), []).append(memory)

    def __repr__(self) -> str:
        return f"Plan({len(self.steps)} steps, outputs={list(self.outputs)})"

    def __str__(self) -> str:
        nodes = sum(len(step.nodes) for step in self.steps) + len(self.identities)
        lines = [f"plan for {', '.join(self.outputs)}: {nodes} nodes in {len(self.steps)} steps"]
        if self.unneeded:
            lines.append(f"removed, because no output needs them: {', '.join(self.unneeded)}")
        if self.identities:
            lines.append(f"removed, because they are the identity at inference: {', '.join(self.identities)}")
        named = [form if isinstance(form, str) else "yours" for form in self.choice.values()]
        if named != ["fast"]:
            operations = zip(self.choice, named, strict=True)
            lines.append("forms: " + ", ".join(f"{name}: {form}" if name else form for name, form in operations))
        if not all(step.per_sample for step in self.steps):
            names = [step.nodes[0] for step in self.steps if not step.per_sample]
            lines.append(f"the batch is not split, because {', '.join(names)} may depend on the whole batch")
        if self.channels_last:
            lines.append("channels last in memory: the values of a pixel are next to each other")
        unshared = sum(math.prod(self.shapes[node]) for step in self.steps for node in step.nodes)
        lines.append(
            f"{sum(self.sizes):,} values of memory per image in {len(self.sizes)} buffers, "
            f"instead of {unshared:,} in one array per node"
        )
        rows = [(" + ".join(step.nodes), self._described(step), self._location(step.wire)) for step in self.steps]
        widths = [max((len(row[i]) for row in rows), default=0) for i in range(2)]
        lines += [f"  {a:{widths[0]}}  {b:{widths[1]}}  -> {c}" for a, b, c in rows]
        return "\n".join(lines)

    def _described(self, step):
        if step.joins:
            in_place = len(step.wires) - len(misplaced_inputs(step, self.views))
            return f"{in_place} of {len(step.wires)} inputs are already in place (no copy)"
        return step.layer.describe() if hasattr(step.layer, "describe") else type(step.layer).__name__

    def _location(self, wire):
        view = self.views[wire]
        buffer = f"buffer {self.buffers[view.owner]}"
        return buffer if view.owner == wire else f"{buffer}, channels {view.first} to {view.end} of {view.owner}"


def groups_of(count: int, most: int, threads: int) -> list[tuple[int, int]]:
    """Return (first image, end) of groups of at most `most` images: the same number for each thread, if possible."""
    number = parallel.num_chunks(-(-count // most), count, threads)
    return [(count * i // number, count * (i + 1) // number) for i in range(number)]


def _barrier(size):
    if size == 1:
        return None
    from minigooglenet.planning.barrier import Barrier  # imports Numba

    return Barrier(size)


def plan(
    graph: Graph,
    outputs: str | Iterable[str] | None = None,
    *,
    fuse: bool = True,
    join: bool = True,
    split_batch: bool = True,
    channels_last: bool = True,
    apart: bool | None = None,
) -> Plan:
    """Prepare a graph for inference with its current parameters.

    Parameters
    ----------
    graph : Graph
    outputs : wire or wires to return; by default the main output
    fuse : fuse batch norm and ReLU into the convolution before them, and transform weights in advance
    join : let branches write directly into the output of their concat
    split_batch : let each thread take some images through the whole network, or a thread team compute few images,
        instead of running layer by layer with all threads
    channels_last : keep the channels of a pixel next to each other in memory, if all layers have kernels for it
    apart : the old name of `split_batch`

    Switch `fuse`, `join`, `split_batch` or `channels_last` off to measure what it gains (`minigooglenet bench ideas`).

    Returns
    -------
    Plan
        `plan(x)` equals `graph(x)` up to float32 round-off: about 4e-6 of the largest value where the two use different
        algorithms (`docs/accuracy.md`). `print(plan)` shows what runs, in what order, and in which buffer each wire is.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> g = mg.models.mini_googlenet(rng=0)
    >>> plan = mg.plan(g)
    >>> x = np.ones((2, 3, 32, 32), np.float32)
    >>> np.allclose(plan(x), g(x), atol=1e-4)
    True
    """
    if apart is not None:
        renamed.warn("apart=", "split_batch=")
        split_batch = apart
    return Plan(graph, outputs, fuse=fuse, join=join, split_batch=split_batch, channels_last=channels_last)
