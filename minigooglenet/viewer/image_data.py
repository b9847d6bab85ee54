"""Everything on the page that needs an image: activations, gradients, effective receptive fields and exact values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigooglenet import checks
from minigooglenet.graph import Graph
from minigooglenet.graph.errors import check_known
from minigooglenet.kernels import softmax
from minigooglenet.layers import Conv2d
from minigooglenet.shapes import integer
from minigooglenet.typing import FloatArray
from minigooglenet.viewer import activations, effective, exact_values, gradients

BUDGET = 2_400_000  # bytes of exact values
TOP = 5
MOST_MEMORY = 2 * 1024**3  # bytes of the activations that a backward pass needs
# A student's layer may lack `backward`, or reject what it gets.
NO_BACKWARD = (NotImplementedError, AttributeError, ValueError, TypeError)

Progress = Callable[[int, int, str], Any]


@dataclass
class ImageData:
    """What the page shows of one image.

    Attributes
    ----------
    nodes : {input or node: its optional entries on the page: maps, histogram, zeros, filters, norms, ...}
    objectives : {name: label} of the losses whose gradients were computed
    objective : the name of the default objective, or None without gradients
    probabilities : [index of a class, probability], the five likeliest classes of the main output
    notes : what was left out, and why
    """

    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    objectives: dict[str, str] = field(default_factory=dict)
    objective: str | None = None
    probabilities: list[list[Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def check_label(graph: Graph, label: int | None) -> None:
    """Raise a ValueError if a label was given and the network has no gradients for it. Nothing is computed."""
    if label is None:
        return
    try:
        _check_gradients(graph)
    except ValueError as error:
        raise ValueError(f"label={label} needs gradients, but {error}") from error


def _check_gradients(graph):
    gradients.classifiers(graph)
    _check_memory(graph, 1)


def describe(
    graph: Graph,
    x: FloatArray | dict[str, FloatArray],
    *,
    label: int | None = None,
    steps: Sequence[str] = (),
    budget: int = BUDGET,
    progress: Progress = lambda done, total, what: None,
) -> ImageData:
    """Return what the page shows of one image.

    Parameters
    ----------
    graph : Graph
    x : (1, C, H, W) float32, the input of the network; {input: array} for several inputs
    label : index of the class whose loss is differentiated; by default the most probable class
    steps : convolutions whose exact values are on the page
    budget : bytes on the page for the exact values of all `steps`
    progress : called with (done, total, what is computed)

    Returns
    -------
    ImageData

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> from minigooglenet.viewer.image_data import describe
    >>> g = mg.models.mini_googlenet(rng=0)
    >>> data = describe(g, np.ones((1, 3, 32, 32), np.float32), label=3)
    >>> list(data.objectives), len(data.probabilities)
    (['loss3/classifier'], 5)
    """
    inputs = _checked(graph, x)
    check_label(graph, label)
    steps = list(dict.fromkeys(steps))
    check_known(steps, graph.shapes, "steps")
    with np.errstate(over="ignore", invalid="ignore"):  # a note names the wires that are not finite
        seen = _Activations(graph, inputs, steps, _Steps(progress, len(graph.shapes), "activations"))
        data = ImageData(seen.nodes, probabilities=_probabilities(graph, seen.outputs[graph.main]), notes=seen.notes)
        _add_gradients(data, graph, inputs, seen, label, progress)
        _add_fields(data, graph, inputs, seen, steps, progress)
        entries, notes = exact_values.values(seen.convolutions, budget)
    for name, entry in entries.items():
        data.nodes[name]["values"] = entry
    data.notes += notes
    if not data.probabilities:
        shape = graph.shapes[graph.main]
        data.notes.append(
            f"probabilities are left out: the main output {graph.main!r} {shape} is not one finite value per class"
        )
    return data


def _checked(graph, x):
    inputs = graph.check_inputs(x if isinstance(x, dict) else {next(iter(graph.inputs)): x})
    for name, array in inputs.items():
        checks.floating(array, f"input {name!r}", dtypes=(np.dtype(np.float32),))
        if len(array) != 1:
            raise ValueError(
                f"the page shows one image: input {name!r} must be (1, ...), got {array.shape}. Try x[:1]."
            )
    return inputs


class _Steps:
    """Report progress of one stage: its name and how many of its steps are done."""

    def __init__(self, progress, total, what):
        self.progress, self.total, self.what, self.done = progress, total, what, 0
        progress(0, total, what)

    def __call__(self, *_):
        self.done += 1
        self.progress(self.done, self.total, self.what)


class _Activations:
    """One pass over all wires, and what later stages need of them."""

    def __init__(self, graph, inputs, steps, step):
        self.nodes, self.units, self.convolutions, self.notes = {}, {}, [], []
        self.outputs = {}  # {wire: array} of the main output and the logits
        kept = {graph.main, *(gradients.logits_of(graph, wire) for wire in graph.outputs)}
        broken = []
        for name, y, xs in activations.every_output(graph, inputs):
            layer = graph.nodes[name].layer if name in graph.nodes else None
            self.nodes[name] = activations.described(y[0], relu=getattr(layer, "kind", "") == "ReLU")
            if layer is not None and (filters := activations.first_filters(graph, name)):
                self.nodes[name]["filters"] = filters
            if layer is not None and y.ndim == 4 and y[0, 0].size > 1:
                self.units[name] = effective.units(y[0])
            if name in steps:
                self._keep_step(graph, name, layer, y, xs)
            if name in kept:
                self.outputs[name] = y[0]
            if not np.isfinite(y).all():
                broken.append(name)
            step()
        if broken:
            self.notes.append(
                f"{len(broken)} of {len(self.nodes)} wires have NaN or infinite values, the first is {broken[0]}; "
                "their maps and histograms leave these values out"
            )

    def _keep_step(self, graph, name, layer, y, xs):
        if isinstance(layer, Conv2d):
            relu = exact_values.relu_of(graph, name)
            self.convolutions.append(exact_values.Convolution(name, layer, xs[0][0].copy(), y[0], relu))
        else:
            kind = "an input" if layer is None else type(layer).__name__
            self.notes.append(f"{name}: exact values are only for convolutions, this is {kind}")


def _probabilities(graph, output):
    """Return the likeliest classes of an output (K,) or (K, 1, 1), or an empty list."""
    if output.size != len(output) or not np.isfinite(output).all():
        return []
    values = output.reshape(1, -1)
    if gradients.logits_of(graph, graph.main) == graph.main:
        values = softmax.forward(values)
    order = np.argsort(-values[0], kind="stable")[:TOP]
    return [[int(index), float(values[0, index])] for index in order]


def _add_gradients(data, graph, inputs, seen, label, progress):
    """Add norms and gradient maps, or a note that explains why not."""
    try:
        _check_gradients(graph)
        weights = gradients.classifiers(graph)
        logits = seen.outputs[gradients.logits_of(graph, graph.main)]
        if not all(np.isfinite(seen.outputs[wire]).all() for wire in weights):
            raise ValueError("the logits are not finite")
    except ValueError as error:
        data.notes.append(f"gradients are left out: {error}")
        return
    if label is None:
        label = int(logits.argmax())
        data.notes.append(f"The gradients are those of the most probable class, {label}, because no label was given")
    elif not integer(label, "label", 0) < len(logits):
        raise ValueError(f"label must be in 0 .. {len(logits) - 1}, the classes of {graph.main!r}, got {label}")
    objectives = gradients.objectives(weights, label)
    nodes = {}
    step = _Steps(progress, len(objectives), "gradients")
    broken = set()

    def visit(objective, wire, grad):
        entry = nodes.setdefault(wire, {"norms": {}})
        if not np.isfinite(grad).all():
            broken.add(wire)
            return
        entry["norms"][objective.name] = gradients.norm(grad)
        if objective is objectives[0] and "maps" in data.nodes[wire]:
            channels = np.array(data.nodes[wire]["maps"]["channels"])
            entry["gradient"] = {"maps": activations.signed_maps(grad[0], channels)}

    try:
        gradients.gradients(graph, inputs, objectives, label, visit, step)
    except NO_BACKWARD as error:
        data.notes.append(f"gradients are left out: {error}")
        return
    data.objectives = {objective.name: objective.label for objective in objectives}
    data.objective = objectives[0].name
    for wire, entry in nodes.items():
        data.nodes[wire] |= entry
    if broken:
        data.notes.append(f"the gradients of {len(broken)} wires are left out, because they are not finite")


def _add_fields(data, graph, inputs, seen, steps, progress):
    """Add effective receptive fields, or a note that explains why not."""
    image = next((name for name, shape in graph.inputs.items() if len(shape) == 3), None)
    if image is None or not seen.units:
        return
    shared = effective.sources(graph, seen.units, image)
    try:
        _check_memory(graph, effective.POSITIONS)
        chosen = effective.chosen(graph, shared, steps)
        step = _Steps(progress, len(chosen), "effective receptive fields")
        maps = effective.heat_maps(graph, inputs, image, seen.units, chosen, step)
    except NO_BACKWARD as error:
        data.notes.append(f"effective receptive fields are left out: {error}")
        return
    missing = 0
    for name, units in shared.items():
        if all(source.node in maps for source in units):
            five = [maps[source.node][index] for index, source in enumerate(units)]
            data.nodes[name]["effective"] = effective.entry(five, seen.units[name], units, seen.units)
        else:
            missing += 1
    if missing:
        data.notes.append(
            f"effective receptive fields of {missing} of {len(shared)} feature maps are left out, because they would "
            f"take more than {effective.MOST_WORK:,} multiply-adds"
        )


def _check_memory(graph, images):
    needed = 4 * images * sum(int(np.prod(shape)) for shape in graph.shapes.values())
    if needed > MOST_MEMORY:
        raise ValueError(
            f"a backward pass of {images} image{'s' * (images > 1)} needs {needed:,} bytes of activations, more than "
            f"{MOST_MEMORY:,}"
        )
