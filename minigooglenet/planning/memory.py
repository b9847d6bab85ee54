"""The buffers of a plan, and its steps bound to them: created once, used for every group of images."""

import math
from functools import partial

from minigooglenet import aligned, checks, methods, parallel
from minigooglenet.graph.errors import checked_result, named_errors
from minigooglenet.planning.layout import misplaced_inputs

MOST_KEPT = 8  # batch sizes for which bound steps are kept


class Memory:
    """Buffers for the largest group so far, a view of them for every wire, and every step as a function to call.

    It is used for one group at a time; a plan has one for every thread that runs it.
    """

    def __init__(self, plan, dtype):
        self.plan, self.dtype = plan, dtype
        self.capacity, self.memory = 0, []
        self.arrays, self.jobs, self.divided = {}, {}, {}

    def bind(self, inputs, count, images):
        """Return (arrays, jobs): {wire: array} and one function per step for a group of `count` of `images` images."""
        if count > self.capacity:
            self.capacity, self.arrays, self.jobs, self.divided = count, {}, {}, {}
            self.memory = [aligned.empty((count * size,), self.dtype) for size in self.plan.sizes]
        if count not in self.arrays:
            self.arrays[count] = self._views(count)
        if len(self.jobs) > MOST_KEPT:
            self.jobs.clear()
            self.divided.clear()
        arrays, reading = inputs | self.arrays[count], self.plan.reading
        if (count, images) not in self.jobs:
            self.jobs[count, images] = [
                None if index in reading else self._job(step, arrays, images)
                for index, step in enumerate(self.plan.steps)
            ]
        jobs = self.jobs[count, images].copy()
        for index in reading:  # bound to the caller's arrays, which must not be kept
            jobs[index] = self._job(self.plan.steps[index], arrays, images)
        return arrays, jobs

    def _views(self, count):
        owners = {}
        for owner, buffer in self.plan.buffers.items():
            shape = self.plan.shapes[owner]
            memory = self.memory[buffer][: count * math.prod(shape)]
            if self.plan.channels_last and len(shape) == 3:
                owners[owner] = memory.reshape(count, *shape[1:], shape[0]).transpose(0, 3, 1, 2)
            else:
                owners[owner] = memory.reshape(count, *shape)
        views = {wire: owners[view.owner][:, view.first : view.end] for wire, view in self.plan.views.items()}
        return views | {wire: views[source] for wire, source in self.plan.identities.items() if source in views}

    def _job(self, step, arrays, images):
        xs, out = [arrays[wire] for wire in step.wires], arrays[step.wire]
        if step.joins:
            return partial(_join, [(at, xs[i]) for i, at in misplaced_inputs(step, self.plan.views).items()], out)
        if self.dtype.kind == "c" and getattr(step.layer, "limited", False):
            return partial(_reject_complex, step, xs[0])
        with named_errors(step.nodes[0], step.wires):
            if step.bind is not None and self.dtype.kind == "f":
                extra = {"images": images} if hasattr(step.layer, "taken") else {}
                return Tasks(step.bind(step.layer, *xs, out=out, **extra))
        return partial(_infer, step, xs, out)


class Tasks:
    """The bound tasks of a step, which a call runs on all threads."""

    def __init__(self, bound):
        self.bound, self.pieces = bound, {}

    def __call__(self):
        for task, count in self.bound:
            parallel.parallel_for(task, count)


def pieces_of(job, size):
    """Return functions that together do a job: for bound tasks as many as a team has threads, each time the same."""
    if not isinstance(job, Tasks):
        return [job]
    if size not in job.pieces:
        ranges = [(task, *part) for task, count in job.bound for part in parallel.ranges(count, min(count, size))]
        job.pieces[size] = [partial(task, start, stop) for task, start, stop in ranges]
    return job.pieces[size]


def _join(misplaced, out):
    for first, x in misplaced:
        out[:, first : first + x.shape[1]] = x


def _infer(step, xs, out):
    name = step.nodes[0]
    with named_errors(name, step.wires):
        y = methods.infer(step.layer, xs)
    checked_result(name, y, out.shape)
    if y.dtype not in checks.COMPLEX_STEP or y.dtype.kind != out.dtype.kind:
        raise TypeError(f"node {name!r}: forward returned {y.dtype} for {out.dtype}. Return y.astype(x.dtype).")
    out[...] = y


def _reject_complex(step, x):
    with named_errors(step.nodes[-1], step.nodes[-2:-1]):
        checks.floating(x, "x", dtypes=checks.FLOATS)
