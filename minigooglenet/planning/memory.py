"""The arrays that a plan computes in, and its steps bound to them: made once, run for every group of images."""

import math
from functools import partial

import numpy as np

from minigooglenet import checks, methods, parallel
from minigooglenet.graph.errors import checked_result, named_errors
from minigooglenet.planning.layout import apart_from

MOST_KEPT = 8  # batch sizes for which bound steps are kept


class Memory:
    """Slots for the largest group so far, every wire's view into them, and every step as a function to call.

    It serves one group at a time: a plan has one for every thread that runs it.
    """

    def __init__(self, plan, dtype):
        self.plan, self.dtype = plan, dtype
        self.room, self.slots = 0, []
        self.arrays, self.jobs = {}, {}

    def bind(self, inputs, count, images):
        """Return (arrays, jobs): {wire: array} and a function per step, for these `count` of `images` images."""
        if count > self.room:
            self.room, self.arrays, self.jobs = count, {}, {}
            self.slots = [np.empty(count * size, self.dtype) for size in self.plan.sizes]
        if count not in self.arrays:
            self.arrays[count] = self._views(count)
        if len(self.jobs) > MOST_KEPT:
            self.jobs.clear()
        arrays, jobs = inputs | self.arrays[count], self.jobs.setdefault((count, images), [None] * len(self.plan.steps))
        for number, step in enumerate(self.plan.steps):
            if jobs[number] is None:
                jobs[number] = self._job(step, arrays, images)
        ready = list(jobs)
        for number, step in enumerate(self.plan.steps):
            if not inputs.keys().isdisjoint(step.wires):
                jobs[number] = None  # bound to arrays of the caller's, which are not kept
        return arrays, ready

    def _views(self, count):
        wholes = {}
        for whole, slot in self.plan.slots.items():
            shape = self.plan.shapes[whole]
            wholes[whole] = self.slots[slot][: count * math.prod(shape)].reshape(count, *shape)
        views = {wire: wholes[place.whole][:, place.first : place.end] for wire, place in self.plan.places.items()}
        return views | {wire: views[source] for wire, source in self.plan.same.items() if source in views}

    def _job(self, step, arrays, images):
        xs, out = [arrays[wire] for wire in step.wires], arrays[step.wire]
        if step.joins:
            return partial(_join, [(at, xs[i]) for i, at in apart_from(step, self.plan.places).items()], out)
        if self.dtype.kind == "c" and getattr(step.layer, "relu", False):
            return partial(_refuse_complex_relu, step, xs[0])
        with named_errors(step.nodes[0], step.wires):
            if step.bind is not None and self.dtype.kind == "f":
                extra = {"images": images} if hasattr(step.layer, "taken") else {}
                return partial(_spread, step.bind(step.layer, *xs, out=out, **extra))
        return partial(_infer, step, xs, out)


def _spread(bound):
    for task, count in bound:
        parallel.parallel_for(task, count)


def _join(apart, out):
    for first, x in apart:
        out[:, first : first + x.shape[1]] = x


def _infer(step, xs, out):
    name = step.nodes[0]
    with named_errors(name, step.wires):
        y = methods.infer(step.layer, xs)
    checked_result(name, y, out.shape)
    if y.dtype not in checks.COMPLEX_STEP or y.dtype.kind != out.dtype.kind:
        raise TypeError(f"node {name!r}: its forward returned {y.dtype} for {out.dtype}; return y.astype(x.dtype)")
    out[...] = y


def _refuse_complex_relu(step, x):
    with named_errors(step.nodes[-1], step.nodes[-2:-1]):
        checks.floating(x, "x", dtypes=checks.FLOATS)
