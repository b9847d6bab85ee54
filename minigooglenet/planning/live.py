"""Inference of a few images by a plan that copies nothing: `graph(x)` in little more than the time of a plan.

A live plan computes what the graph computes node by node, bit for bit: with the same algorithms, from the arrays that
the layers have in every call. But it applies ReLU while a convolution writes its output, lets branches write directly
into their concat, uses the same memory in every call, and checks the layers once instead of in every call. Gain: one
image takes `graph(x)` as long as a plan, instead of 1.7 times, and eight images 1.3 times, instead of 1.6.

A graph is computed node by node at first, and by a live plan when it is called again with the same layers. Everything
that a live plan has read from the layers is compared in every call; after a change it is made again. It serves up to
eight images in float32, because for more the savings are small and the memory that it keeps is large.
"""

import contextlib
import operator
import weakref

import numpy as np

from minigooglenet import parallel
from minigooglenet.kernels import compiled, forms
from minigooglenet.layers import Dropout, Flatten, GlobalAvgPool2d, GlobalMaxPool2d, Softmax
from minigooglenet.parallel import inherited, switches
from minigooglenet.planning.lowering import LOWERINGS, lowering
from minigooglenet.planning.planner import LARGEST_TEAM, Plan
from minigooglenet.planning.prepared import refresh
from minigooglenet.planning.steps import steps_of

MOST_IMAGES = 8
MOST_OUTPUTS = 4  # different outputs of a graph for which live plans are kept
MOST_BYTES = 192 << 20  # of buffers and transformed weights that are kept; node by node, each is freed after its layer
FAST = {"": "fast"}  # the choice of forms, if no other was made
SMALL = Dropout, Flatten, GlobalAvgPool2d, GlobalMaxPool2d, Softmax  # one thread of a team may compute them alone
METHODS = "forward", "infer", "output_shape"  # which a class may replace
SETTINGS = int, float, str, tuple, np.generic, type(None)  # that cannot change without being replaced

_entries: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()  # {graph: {outputs: Entry}}
_enabled: list[bool] = []  # empty until MINIGOOGLENET_LIVE is read


def enable(enabled: bool | None = None) -> bool:
    """Return whether live plans are used; switch them on or off if `enabled` is given.

    By default they are, unless MINIGOOGLENET_LIVE is 0.
    """
    if enabled is not None:
        _enabled[:] = [switches.checked(enabled, "enable")]
    elif not _enabled:
        _enabled[:] = [switches.from_environment("MINIGOOGLENET_LIVE")]
    return _enabled[0]


def infer(graph, inputs, outputs):
    """Return {wire: array} for checked inputs, or None if the graph must compute node by node."""
    x = next(iter(inputs.values()))
    inherited.check()  # report a wrong setting here, not as an error of a node
    # More threads than a team compute more images faster layer by layer.
    few = LARGEST_TEAM if parallel.get_num_threads() > LARGEST_TEAM else MOST_IMAGES
    if len(x) > few or x.dtype != np.float32 or not enable() or forms.choice.get() != FAST or compiled.fast() is None:
        return None
    state = _state(graph)
    if state is None:
        return None
    entries = _entries.setdefault(graph, {})
    entry = entries.get(outputs)
    if entry is None or len(state) != len(entry.state) or not all(map(operator.is_, state, entry.state)):
        if len(entries) >= MOST_OUTPUTS:
            entries.clear()
        entries[outputs] = Entry(state)
        return None
    if entry.plan is None and entry.suitable:
        entry.plan = _plan(graph, outputs)
        entry.suitable = entry.plan is not None
    if not entry.suitable:
        return None
    results = entry.plan.infer(inputs)
    if entry.plan.kept_bytes() > MOST_BYTES:
        entry.plan, entry.suitable = None, False
    return results


class Entry:
    """What was read from a graph, and the live plan, once it is worth making one."""

    def __init__(self, state):
        self.state, self.plan, self.suitable = state, None, True


def _state(graph):
    """Return everything that decides what a live plan computes, except the values in arrays, to compare by identity.

    Return None if a layer is not one of this package's. It may hold anything, such as the graph itself.
    """
    state = [*graph.shapes.values(), *graph.nodes]
    for layer, wires in graph.nodes.values():
        if type(layer) not in LOWERINGS:
            return None
        state += layer, wires, type(layer), *(getattr(type(layer), name, None) for name in METHODS)
        for value in vars(layer).values():
            if type(value) is dict:
                state += value.values()
            else:
                state.append(value)
    return state


def _plan(graph, outputs):
    """Return a LivePlan, or None if it could differ from the graph or a layer has a fault, which `forward` reports."""
    with contextlib.suppress(ValueError, TypeError):
        return LivePlan(graph, outputs) if _suitable(graph, outputs) else None
    return None


def _suitable(graph, outputs):
    """Return whether every layer has its own methods, and can change only by what `_state` compares."""
    layers = [graph.nodes[name].layer for name, _ in graph.schedule(outputs)]
    if not all(map(lowering, layers)):
        return False
    values = [value for layer in layers if not isinstance(layer, Dropout) for value in vars(layer).values()]
    arrays = [array for value in values if type(value) is dict for array in value.values()]
    return all(isinstance(value, SETTINGS) or type(value) is dict for value in values) and all(map(_plain, arrays))


def _plain(array):
    return type(array) is np.ndarray and array.dtype == np.float32 and array.flags.c_contiguous and array.flags.aligned


class LivePlan(Plan):
    """A plan that reads the layers of its graph in every call."""

    def __init__(self, graph, outputs):
        super().__init__(graph, outputs)
        by_team = all(step.thread_parallel or isinstance(step.layer, SMALL) for step in self.steps)
        self.most_threads = LARGEST_TEAM if by_team else 1
        self.weights = [step.layer.prepared for step in self.steps if hasattr(step.layer, "prepared")]

    def _steps_of(self, graph, order, fuse):
        return steps_of(graph, order, self.outputs, fuse, live=True)

    def infer(self, inputs):
        """Return {wire: array} for checked inputs."""
        x = next(iter(inputs.values()))
        results = {wire: np.empty((len(x), *self.shapes[wire]), x.dtype) for wire in self.outputs}
        with parallel.computing():
            refresh([weight for weight in self.weights if weight.made])
            self._run_together(inputs, results, x.dtype, min(parallel.get_num_threads(), self.most_threads))
        return results

    def kept_bytes(self):
        """Return the bytes of buffers and prepared weights that stay in memory."""
        arrays = [array for weight in self.weights for array in weight.arrays()]
        arrays += [buffer for unused in self._unused.values() for memory in unused for buffer in memory.memory]
        return sum(array.nbytes for array in arrays)
