"""Inference by a plan that copies no layer: `graph(x)` in little more than the time of a plan.

A live plan computes what the graph computes node by node, bit for bit: with the same algorithms, from the arrays that
the layers have in every call. But it applies ReLU while a convolution writes its output, lets branches write directly
into their concat, keeps the channels of a pixel together, uses the same memory in every call, and checks the layers
once instead of in every call. Weights that it has packed or transformed are compared with those of the layers in every
call, and computed again if they have changed. Gain: one image takes `graph(x)` 1.3 times as long as a plan and 8 or 32
images take it as long, instead of 1.7 and 1.6 times.

A graph is computed node by node at first, and by a live plan when it is called again with the same layers. Everything
that a live plan has read from the layers is compared in every call; after a change it is made again. NumPy computes a
linear layer, and its bits depend on the number of images. So the plan ends before it, and the graph computes the rest
for the whole batch.
"""

import contextlib
import operator
import threading
import weakref

import numpy as np

from minigooglenet import parallel
from minigooglenet.kernels import compiled, forms
from minigooglenet.layers import Dropout, Flatten, GlobalAvgPool2d, GlobalMaxPool2d, Linear, Softmax
from minigooglenet.parallel import inherited, switches
from minigooglenet.planning.lowering import LOWERINGS, lowering
from minigooglenet.planning.planner import LARGEST_TEAM, Plan
from minigooglenet.planning.prepared import refresh
from minigooglenet.planning.steps import steps_of

MOST_OUTPUTS = 4  # different outputs of a graph for which live plans are kept
MOST_BYTES = 256 << 20  # of buffers and prepared weights that are kept; node by node, each is freed after its layer
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
    """Return {wire: array} for checked inputs: wires from which the graph can compute the outputs, maybe none."""
    x = next(iter(inputs.values()))
    inherited.check()  # report a wrong setting here, not as an error of a node
    if x.dtype != np.float32 or not enable() or forms.choice.get() != FAST or compiled.fast() is None:
        return {}
    state = _state(graph)
    if state is None:
        return {}
    entries = _entries.setdefault(graph, {})
    entry = entries.get(outputs)
    if entry is None or len(state) != len(entry.state) or not all(map(operator.is_, state, entry.state)):
        if len(entries) >= MOST_OUTPUTS:
            entries.clear()
        entries[outputs] = Entry(state)
        return {}
    live = entry.plan  # another thread may drop it
    if live is None and entry.suitable:
        live = entry.plan = _plan(graph, outputs)
        entry.suitable = live is not None
    if live is None:
        return {}
    results = live.infer(inputs)
    if live.weight_bytes() > MOST_BYTES:
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
    wires = _before_linear(graph, outputs)
    with contextlib.suppress(ValueError, TypeError):
        return LivePlan(graph, wires) if wires and _suitable(graph, wires) else None
    return None


def _before_linear(graph, outputs):
    """Return the wires of nodes that need no linear layer, from which the graph can compute the outputs."""
    after, wires = set(), list(outputs)
    for name, _ in graph.schedule(outputs):
        layer, sources = graph.nodes[name]
        if type(layer) is Linear or not after.isdisjoint(sources):
            after.add(name)
            wires += sources
    return tuple(dict.fromkeys(wire for wire in wires if wire in graph.nodes and wire not in after))


def _suitable(graph, wires):
    """Return whether every layer has its own methods, and can change only by what `_state` compares."""
    layers = [graph.nodes[name].layer for name, _ in graph.schedule(wires)]
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
        self.refreshing = threading.Lock()
        self.weights = [step.layer.prepared for step in self.steps if hasattr(step.layer, "prepared")]

    def _steps_of(self, graph, order, fuse):
        return steps_of(graph, order, self.outputs, fuse, live=True)

    def infer(self, inputs):
        """Return {wire: array} for checked inputs."""
        with parallel.computing():
            with self.refreshing:  # another thread may not use a weight while it is prepared again
                refresh([weight for weight in self.weights if weight.made])
            results = self._run(inputs)
        with self._lock:
            buffers = [buffer for unused in self._unused.values() for memory in unused for buffer in memory.memory]
            if self.weight_bytes() + sum(buffer.nbytes for buffer in buffers) > MOST_BYTES:
                self._unused.clear()
        return results

    def weight_bytes(self):
        """Return the bytes of prepared weights that stay in memory."""
        return sum(array.nbytes for weight in self.weights for array in weight.arrays())
