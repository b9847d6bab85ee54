"""Check a whole network node by node, from the losses backwards, each node with its true upstream gradient.

The check of a node needs only the node itself: along a random direction in each input and parameter, it compares the
analytic with the numerical derivative. So the first node that fails is the culprit, not a victim. The inputs of each
node are shifted slightly first, because values after a ReLU tie at zero, and a tie has no gradient.
"""

import time
from collections.abc import Callable
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from minigooglenet import checks, losses, parallel
from minigooglenet.gradcheck.check import check_layer
from minigooglenet.gradcheck.differences import typical_size
from minigooglenet.gradcheck.direction import directional_check
from minigooglenet.gradcheck.report import FAIL, INCONCLUSIVE, Finding, Report
from minigooglenet.gradcheck.subject import CheckError, fresh, small_twin
from minigooglenet.typing import Array, Rng

if TYPE_CHECKING:
    from minigooglenet.graph import Graph

AVERAGES = ("AvgPool2d", "AdaptiveAvgPool2d", "GlobalAvgPool2d")
LINEAR = (  # in each of their arrays
    *("Conv2d", "Linear", "Concat", "Add", *AVERAGES, "Flatten", "Dropout"),
    *("Scale", "Multiply", "Pad", "ChannelShuffle", "ChannelSlice"),
)
SMOOTH = ("LocalResponseNorm", "BatchNorm2d", "Softmax", "Sigmoid", "Tanh", "SiLU")
# Step size relative to the array, and allowed error relative to the typical size of the sum. Linear layers have no
# truncation error. A large feature map after a ReLU or in a pool has many kinks, so the step is small.
STEPS = {**dict.fromkeys(LINEAR, (1.0, 1e-9)), **dict.fromkeys(SMOOTH, (1e-5, 1e-6))}
KINKED = (1e-8, 1e-5)
SHIFT = 1e-3  # relative to the array


def check_network(
    g: "Graph",
    x: ArrayLike,
    labels: ArrayLike,
    *,
    rng: Rng = 0,
    on_node: Callable[[int, int, str], object] | None = None,
) -> Report:
    """Check the `backward` of a network and of each of its nodes, in float64 and training mode.

    Parameters
    ----------
    g : Graph with classifiers as outputs; the loss weight is 1 for the main output and 0.3 for the others. It is not
        changed.
    x : (N, C, H, W)
    labels : N integers
    rng : Generator, int or None for the directions
    on_node : called with (number of nodes done, number of nodes, name) for a progress bar

    Returns
    -------
    Report
        Its `culprit` is the first node, from the losses backwards, with a wrong `backward`, or None. GoogLeNet at 224
        with auxiliary heads needs about 1 GB.

    Examples
    --------
    >>> import numpy as np
    >>> import minigooglenet as mg
    >>> g = mg.Graph(image=(1, 4, 4))
    >>> wire = g.add("conv", mg.layers.Conv2d(1, 2, 3, rng=0), "image")
    >>> wire = g.add("pool", mg.layers.GlobalAvgPool2d(), wire)
    >>> report = mg.gradcheck.check_network(g, np.random.default_rng(0).standard_normal((2, 1, 4, 4)), [0, 1])
    >>> report.verdict, report.culprit
    ('PASS', None)
    """
    if not hasattr(g, "nodes") or len(g.inputs) != 1:
        raise ValueError(f"check_network expects a graph with one input, got {g!r}")
    rng = np.random.default_rng(rng)
    x = np.asarray(checks.unmasked(x, "x"), np.float64)
    g.check_inputs({next(iter(g.inputs)): x})
    for wire in g.outputs:
        if len(g.shapes[wire]) != 1:
            raise ValueError(f"output {wire!r} must have shape (classes,) for a loss, got {g.shapes[wire]}")
        labels = checks.labels(labels, len(x), *g.shapes[wire])
    net = g.astype(np.float64)
    if not np.isfinite(x).all():
        raise ValueError(f"the images contain {int((~np.isfinite(x)).sum())} values that are not finite")
    report = Report(f"{g!r}, {len(x)} image{'s' * (len(x) != 1)}")
    started = time.perf_counter()
    with parallel.computing():
        try:
            values, caches = _forward(net, x)
        except CheckError as error:
            report.findings.append(Finding(FAIL, str(error)))
            return report
        sums, parts, param_grads, first = _backward(net, values, caches, labels, report, rng, on_node)
    outcome = f"{len(values) - 1} nodes, each with its true upstream gradient"
    report.add_stage(0, "node by node", outcome, report.findings, started)
    if first is not None:
        _explain(report, first, net)
        return report
    started = time.perf_counter()
    _branches(g.astype(np.float64), x, labels, sums, parts, param_grads, report)
    forks = sum(len(consumers) > 1 for consumers in parts.values())
    outcome = f"{forks} wires with several consumers, whose gradients the graph must add"
    report.add_stage(1, "branches", outcome, report.findings, started)
    started = time.perf_counter()
    derivative = directional_check(g, x, labels, rng=rng)
    if derivative.relative_error > 1e-3:
        sentence = (
            f"whole network: directional derivative along a random direction: numerical {derivative.numerical:.9g}, "
            f"analytic {derivative.analytic:.9g}. Every node agrees, so the step may cross a kink. Try another seed."
        )
        report.findings.append(Finding(INCONCLUSIVE, sentence))
    outcome = f"one direction through all parameters and images: relative error {derivative.relative_error:.1e}"
    report.add_stage(2, "whole network", outcome, report.findings, started)
    return report


def _forward(g, x):
    (name,) = g.inputs
    values, caches = {name: x}, {}
    for node, _ in g.schedule(tuple(losses.head_weights(g))):  # other nodes get no gradient
        layer, wires = g.nodes[node]
        try:
            values[node], caches[node] = fresh(layer).forward(*(values[wire] for wire in wires), train=True)
        except Exception as error:
            raise CheckError(f"{node}: forward raised {type(error).__name__}: {error}") from error
    return values, caches


def _backward(g, values, caches, labels, report, rng, on_node):
    """Return ({wire: gradient}, {wire: {consumer: part}}, {parameter: gradient}, the first wrong node or None)."""
    weights = losses.head_weights(g)
    _, _, grads = losses.weighted_sum({wire: values[wire] for wire in weights}, labels, weights)
    sums, parts = dict(grads), {wire: {"the loss": grad} for wire, grad in grads.items()}
    param_grads: dict[str, Array] = {}
    nodes = list(caches)
    for done, node in enumerate(reversed(nodes)):
        if on_node:
            on_node(done, len(nodes), node)
        layer, wires = g.nodes[node]
        grad = sums[node]
        inputs = [values[wire] for wire in wires]
        finding = _local(node, layer, inputs, grad, rng)
        if finding is not None:
            report.findings.append(finding)
            if finding.verdict == FAIL:
                return sums, parts, param_grads, node
        grad_inputs, grad_params = fresh(layer).backward(grad.copy(), caches.pop(node))
        param_grads.update({f"{node}/{name}": value for name, value in grad_params.items()})
        for wire, part in zip(wires, grad_inputs, strict=True):
            consumers = parts.setdefault(wire, {})
            consumers[node] = consumers[node] + part if node in consumers else part
            sums[wire] = sums[wire] + part if wire in sums else part
    return sums, parts, param_grads, None


def _local(node, layer, inputs, grad, rng):
    """Return a Finding if the analytic and the numerical derivative of a node disagree, else None.

    Each input and each parameter has its own direction, so that a large gradient does not hide a small one.
    """
    kind = getattr(layer, "kind", type(layer).__name__)
    inputs = [x + SHIFT * typical_size(x) * rng.standard_normal(x.shape) for x in inputs]
    params = dict(layer.params)
    try:
        y, cache = fresh(layer).forward(*inputs, train=True)
        given = grad.copy()
        grad_inputs, grad_params = fresh(layer).backward(given, cache)
    except Exception as error:
        return Finding(FAIL, f"{node}: backward raised {type(error).__name__}: {error}", node)
    if not np.array_equal(given, grad):
        return Finding(FAIL, f"{node} ({kind}): backward modified its upstream gradient", node)
    names = [*range(len(inputs)), *params]
    analytic = dict(zip(names, [*grad_inputs, *(grad_params.get(name) for name in params)], strict=False))
    for name in names:
        value = inputs[name] if isinstance(name, int) else params[name]
        what = f"input {name}" if isinstance(name, int) else name
        gradient = analytic.get(name)
        if gradient is None or np.shape(gradient) != value.shape or np.asarray(gradient).dtype.kind != "f":
            sentence = f"{node} ({kind}): backward returned no float gradient of shape {value.shape} for {what}"
            return Finding(FAIL, sentence, node)
        direction = rng.standard_normal(value.shape)
        exact = float(np.vdot(gradient, direction))
        numerical, jump, scale, allowed = _derivative(layer, kind, inputs, params, name, direction, y, grad, gradient)
        if not abs(exact - numerical) <= allowed * scale:
            if jump and abs(exact - numerical) < 0.1 * scale:
                sentence = f"{node}, {what}: the step crosses a kink. Try another seed or another image."
                return Finding(INCONCLUSIVE, sentence, node)
            sentence = (
                f"{node} ({kind}), {what}: directional derivative along a random direction: "
                f"numerical {numerical:.9g}, analytic {exact:.9g}"
            )
            return Finding(FAIL, sentence, node, analytic=exact, numerical=numerical)
    return None


def _derivative(layer, kind, inputs, params, name, direction, y, grad, gradient):
    """Return (numerical directional derivative, whether it jumps, its typical size, the allowed relative error)."""
    step, allowed = STEPS.get(kind, KINKED)
    value = inputs[name] if isinstance(name, int) else params[name]
    h = step * typical_size(value)
    sides = []
    for sign in (1, -1):
        moved, twin_params = list(inputs), dict(params)
        (moved if isinstance(name, int) else twin_params)[name] = value + sign * h * direction
        sides.append(fresh(layer, twin_params).forward(*moved, train=True)[0])
    numerical = float(np.vdot(sides[0] - sides[1], grad)) / (2 * h)
    jump = np.abs(sides[0] - 2 * y + sides[1]).max() > 1e-3 * np.abs(sides[0] - sides[1]).max()
    scale = float(np.linalg.norm(gradient * direction)) + abs(numerical)
    round_off = 8 * np.finfo(float).eps * float(np.linalg.norm(y * grad)) / h
    return numerical, bool(jump), max(scale, 1e-300), allowed + round_off / max(scale, 1e-300)


def _explain(report, node, g):
    """Name the culprit, and diagnose its mistake by a check of a small copy of the layer, index by index."""
    report.culprit = node
    layer = g.nodes[node].layer
    small = check_layer(small_twin(layer)) if hasattr(layer, "kind") else None
    if small is not None and small.verdict == FAIL:
        report.suspects += small.suspects
    report.notes.append(f"first wrong node, from the losses backwards: {node}. Earlier nodes were not checked.")


def _branches(g, x, labels, sums, parts, param_grads, report):
    """Compare the result of the graph's backward with the gradients of each consumer and each node."""
    (name,) = g.inputs
    forks = [wire for wire, consumers in parts.items() if len(consumers) > 1]
    logits, tape = g.forward({name: x}, train=True)
    _, _, grads = losses.weighted_sum(logits, labels, losses.head_weights(g))
    grad_wires, grad_params = g.backward(grads, tape, wires=forks)
    for wire in forks:
        if _same(grad_wires[wire], sums[wire]):
            continue
        report.findings.append(Finding(FAIL, _missing(wire, grad_wires[wire], parts[wire]), wire))
        report.culprit = report.culprit or wire
    if report.culprit:
        return
    for key, value in {**param_grads, name: sums[name]}.items():
        returned = grad_wires.get(key) if key == name else grad_params.get(key)
        if returned is None or not _same(returned, value):
            sentence = f"the graph's backward and the node's backward return different gradients for {key}"
            report.findings.append(Finding(FAIL, sentence, key))
            report.culprit = key
            return


def _missing(wire, gradient, parts):
    names = list(parts)
    for count in range(len(names) - 1, 0, -1):
        for chosen in combinations(names, count):
            if _same(gradient, sum(parts[name] for name in chosen)):
                missing = [name for name in names if name not in chosen]
                verb = "is" if len(missing) == 1 else "are"
                return f"the gradient of {wire} includes only {' + '.join(chosen)}: {', '.join(missing)} {verb} missing"
    return f"the gradient of {wire} is not the sum of the gradients from {', '.join(names)}, nor of some of them"


def _same(a, b):
    return bool(np.abs(a - b).max(initial=0) <= 1e-9 * max(np.abs(b).max(initial=0), 1e-300))
