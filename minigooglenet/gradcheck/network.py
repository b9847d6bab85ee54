"""A whole network, node by node: from the losses backwards, each with the gradient that truly reaches it.

A local check needs only the node's own forward: along a random direction through its inputs and parameters, the
difference of two forwards against what its backward says. So the first node that fails is the culprit, not a victim.
Inputs are nudged a little first, since values behind a ReLU tie at zero and a tie has no gradient.
"""

import time
from itertools import combinations

import numpy as np

from minigooglenet import checks, losses, parallel
from minigooglenet.gradcheck.check import check_layer
from minigooglenet.gradcheck.differences import typical_size
from minigooglenet.gradcheck.direction import directional_check
from minigooglenet.gradcheck.report import FAIL, INCONCLUSIVE, Finding, Report
from minigooglenet.gradcheck.subject import CheckError, fresh, small_twin

AVERAGES = ("AvgPool2d", "AdaptiveAvgPool2d", "GlobalAvgPool2d")
LINEAR = ("Conv2d", "Linear", "Concat", "Add", *AVERAGES, "Flatten", "Dropout")
SMOOTH = ("LocalResponseNorm", "BatchNorm2d", "Softmax")
# Step of the difference, as a share of the array's size, and the error allowed, as a share of what such a sum usually
# is: linear layers have no corner to cut; a large map behind a ReLU or a pool has many kinks, so the step is small.
STEPS = {**dict.fromkeys(LINEAR, (1.0, 1e-9)), **dict.fromkeys(SMOOTH, (1e-5, 1e-6))}
KINKED = (1e-8, 1e-5)
NUDGE = 1e-3


def check_network(g, x, labels, *, rng=0, on_node=None) -> Report:
    """Check the backward of a network and of each of its nodes, in float64 and training mode.

    Parameters
    ----------
    g : Graph whose outputs without consumers are classifiers, with loss weights of 1 for the main output and 0.3 for
        the others. It is left as it is.
    x : (N, C, H, W)
    labels : N integers
    rng : Generator, int or None
    on_node : called with (nodes done, nodes in all, name), for a progress bar

    Returns
    -------
    Report
        Its `culprit` is the first node, from the losses backwards, whose own backward is wrong, or None. GoogLeNet at
        224 with heads holds about 1 GB.
    """
    if not hasattr(g, "nodes") or len(g.inputs) != 1:
        raise ValueError(f"check_network takes a graph with one input, got {g!r}")
    rng = np.random.default_rng(rng)
    x = np.asarray(checks.unmasked(x, "x"), np.float64)
    g.check_inputs({next(iter(g.inputs)): x})
    for wire in g.outputs:
        if len(g.shapes[wire]) != 1:
            raise ValueError(f"output {wire!r} must have shape (classes,) for a loss, got {g.shapes[wire]}")
        labels = checks.labels(labels, len(x), *g.shapes[wire])
    here = g.astype(np.float64)
    if not np.isfinite(x).all():
        raise ValueError(f"the images hold {int((~np.isfinite(x)).sum())} values that are not finite")
    report = Report(f"{g!r}, {len(x)} image(s)")
    started = time.perf_counter()
    with parallel.computing():
        try:
            values, caches = _forward(here, x)
        except CheckError as error:
            report.findings.append(Finding(FAIL, str(error)))
            return report
        sums, parts, own, first = _backward(here, values, caches, labels, report, rng, on_node)
    report.add_rung(
        0, "node by node", f"{len(values) - 1} nodes, each with its true upstream gradient", report.findings, started
    )
    if first is not None:
        _explain(report, first, here)
        return report
    started = time.perf_counter()
    _branches(g.astype(np.float64), x, labels, sums, parts, own, report)
    shared = sum(len(readers) > 1 for readers in parts.values())
    report.add_rung(
        1, "branches", f"{shared} wires with several readers, summed as the graph sums them", report.findings, started
    )
    started = time.perf_counter()
    slope = directional_check(g, x, labels, rng=rng)
    if slope.relative_error > 1e-3:
        sentence = (
            f"the whole: along a random direction backward says {slope.analytic:.9g}, a difference {slope.numeric:.9g}"
        )
        report.findings.append(
            Finding(INCONCLUSIVE, f"{sentence}; every node agrees, so a kink may lie within the step")
        )
    outcome = f"one direction through everything: relative error {slope.relative_error:.1e}"
    report.add_rung(2, "the whole", outcome, report.findings, started)
    return report


def _forward(g, x):
    (name,) = g.inputs
    values, caches = {name: x}, {}
    for node, _ in g.schedule(tuple(losses.head_weights(g))):  # what no loss needs gets no gradient
        layer, wires = g.nodes[node]
        try:
            values[node], caches[node] = fresh(layer).forward(*(values[wire] for wire in wires), train=True)
        except Exception as error:
            raise CheckError(f"{node}: forward raised {type(error).__name__}: {error}") from error
    return values, caches


def _backward(g, values, caches, labels, report, rng, on_node):
    """Return ({wire: gradient}, {wire: {reader: part}}, {parameter: gradient}, the first wrong node or None)."""
    weights = losses.head_weights(g)
    _, _, grads = losses.weighted_sum({wire: values[wire] for wire in weights}, labels, weights)
    sums, own, parts = dict(grads), {}, {wire: {"the loss": grad} for wire, grad in grads.items()}
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
                return sums, parts, own, node
        grad_inputs, grad_params = fresh(layer).backward(grad.copy(), caches.pop(node))
        own.update({f"{node}/{name}": value for name, value in grad_params.items()})
        for wire, part in zip(wires, grad_inputs, strict=True):
            readers = parts.setdefault(wire, {})
            readers[node] = readers[node] + part if node in readers else part
            sums[wire] = sums[wire] + part if wire in sums else part
    return sums, parts, own, None


def _local(node, layer, inputs, grad, rng):
    """Return a Finding if the node's own backward disagrees with a difference of its forward, else None.

    Each input and each parameter gets a direction of its own, so that none hides behind another.
    """
    kind = getattr(layer, "kind", type(layer).__name__)
    inputs = [x + NUDGE * typical_size(x) * rng.standard_normal(x.shape) for x in inputs]
    params = dict(layer.params)
    try:
        y, cache = fresh(layer).forward(*inputs, train=True)
        given = grad.copy()
        grad_inputs, grad_params = fresh(layer).backward(given, cache)
    except Exception as error:
        return Finding(FAIL, f"{node}: backward raised {type(error).__name__}: {error}", node)
    if not np.array_equal(given, grad):
        return Finding(FAIL, f"{node} ({kind}): backward changed the upstream gradient that it was given", node)
    names = [*range(len(inputs)), *params]
    analytic = dict(zip(names, [*grad_inputs, *(grad_params.get(name) for name in params)], strict=False))
    for name in names:
        value = inputs[name] if isinstance(name, int) else params[name]
        what = f"input {name}" if isinstance(name, int) else name
        gradient = analytic.get(name)
        if np.shape(gradient) != value.shape or np.asarray(gradient).dtype.kind != "f":
            return Finding(FAIL, f"{node} ({kind}): backward gave no gradient of shape {value.shape} for {what}", node)
        direction = rng.standard_normal(value.shape)
        says = float(np.vdot(gradient, direction))
        slope, jump, scale, allowed = _slope(layer, kind, inputs, params, name, direction, y, grad, gradient)
        if not abs(says - slope) <= allowed * scale:
            if jump and abs(says - slope) < 0.1 * scale:
                sentence = f"{node}, {what}: a kink lies within the step; try another seed or another image"
                return Finding(INCONCLUSIVE, sentence, node)
            sentence = (
                f"{node} ({kind}), {what}: backward says {says:.9g} along a random direction, its forward {slope:.9g}"
            )
            return Finding(FAIL, sentence, node, analytic=says, numeric=slope)
    return None


def _slope(layer, kind, inputs, params, name, direction, y, grad, gradient):
    """Return (slope along the direction, whether it jumps, what such a slope usually is, the share that may be off)."""
    step, allowed = STEPS.get(kind, KINKED)
    value = inputs[name] if isinstance(name, int) else params[name]
    h = step * typical_size(value)
    sides = []
    for sign in (1, -1):
        moved, twin_params = list(inputs), dict(params)
        (moved if isinstance(name, int) else twin_params)[name] = value + sign * h * direction
        sides.append(fresh(layer, twin_params).forward(*moved, train=True)[0])
    slope = float(np.vdot(sides[0] - sides[1], grad)) / (2 * h)
    jump = np.abs(sides[0] - 2 * y + sides[1]).max() > 1e-3 * np.abs(sides[0] - sides[1]).max()
    scale = float(np.linalg.norm(gradient * direction)) + abs(slope)
    round_off = 8 * np.finfo(float).eps * float(np.linalg.norm(y * grad)) / h
    return slope, bool(jump), max(scale, 1e-300), allowed + round_off / max(scale, 1e-300)


def _explain(report, node, g):
    """Name the culprit, and check a small twin of its layer index by index for what it looks like."""
    report.culprit = node
    layer = g.nodes[node].layer
    small = check_layer(small_twin(layer)) if hasattr(layer, "kind") else None
    if small is not None and small.verdict == FAIL:
        report.suspects += small.suspects
    report.notes.append(f"first wrong node, from the losses backwards: {node}. What comes before it was not judged.")


def _branches(g, x, labels, sums, parts, own, report):
    """Hold what the graph's own backward returns against the contributions of each reader and each node."""
    (name,) = g.inputs
    forks = [wire for wire, readers in parts.items() if len(readers) > 1]
    logits, tape = g.forward({name: x}, train=True)
    _, _, grads = losses.weighted_sum(logits, labels, losses.head_weights(g))
    reached, grad_params = g.backward(grads, tape, wires=forks)
    for wire in forks:
        if _same(reached[wire], sums[wire]):
            continue
        report.findings.append(Finding(FAIL, _missing(wire, reached[wire], parts[wire]), wire))
        report.culprit = report.culprit or wire
    if report.culprit:
        return
    for key, value in {**own, name: sums[name]}.items():
        got = reached.get(key) if key == name else grad_params.get(key)
        if got is None or not _same(got, value):
            sentence = f"the graph's own backward returns another gradient for {key} than its node does"
            report.findings.append(Finding(FAIL, sentence, key))
            report.culprit = key
            return


def _missing(wire, reached, parts):
    names = list(parts)
    for count in range(len(names) - 1, 0, -1):
        for chosen in combinations(names, count):
            if _same(reached, sum(parts[name] for name in chosen)):
                left = ", ".join(name for name in names if name not in chosen)
                return f"the gradient that reaches {wire} equals {' + '.join(chosen)}: {left} is missing"
    return f"the gradient that reaches {wire} is not the sum of what {', '.join(names)} send, nor of some of them"


def _same(a, b):
    return bool(np.abs(a - b).max(initial=0) <= 1e-9 * max(np.abs(b).max(initial=0), 1e-300))
