"""A whole network, node by node: from the losses backwards, each with the gradient that truly reaches it.

A local check needs only the node's own forward: along a random direction through its inputs and parameters, the
difference of two forwards against what its backward says. So the first node that fails is the culprit, not a victim.
Inputs are nudged a little first, since values behind a ReLU tie at zero and a tie has no gradient.
"""

import time
from itertools import combinations

import numpy as np

from minigooglenet import losses, parallel
from minigooglenet.gradcheck.check import check_layer
from minigooglenet.gradcheck.direction import directional_check
from minigooglenet.gradcheck.report import FAIL, INCONCLUSIVE, PASS, Finding, Report, Rung
from minigooglenet.gradcheck.subject import fresh, small_twin

STEP = 1e-8  # small, since a large map has many kinks; float64 still leaves seven digits of the slope
TOLERANCE = 1e-5
NUDGE = 1e-3


def check_network(g, x, labels, *, rng=0, on_node=None) -> Report:
    """Check the backward of a network and of each of its nodes, in float64 and training mode.

    Parameters
    ----------
    g : Graph whose outputs are classifiers: the last counts whole, the others 0.3. It is left as it is.
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
    rng = np.random.default_rng(rng)
    here = g.astype(np.float64)
    x = np.asarray(x, np.float64)
    report = Report(f"{g!r}, {len(x)} image(s)")
    started = time.perf_counter()
    with parallel.one_blas_thread():
        values, caches = _forward(here, x)
        sums, parts, first = _backward(here, values, caches, labels, report, rng, on_node)
    _rung(report, 0, "node by node", f"{len(here.nodes)} nodes, each with its true upstream gradient", started)
    if first is not None:
        _explain(report, first, here)
        return report
    started = time.perf_counter()
    _branches(g.astype(np.float64), x, labels, sums, parts, report)
    shared = sum(len(readers) > 1 for readers in parts.values())
    _rung(report, 1, "branches", f"{shared} wires with several readers, summed as the graph sums them", started)
    started = time.perf_counter()
    slope = directional_check(g, x, labels, rng=rng)
    if slope.relative_error > 1e-3:
        sentence = (
            f"the whole: along a random direction backward says {slope.analytic:.9g}, a difference {slope.numeric:.9g}"
        )
        report.findings.append(
            Finding(INCONCLUSIVE, f"{sentence}; every node agrees, so a kink may lie within the step")
        )
    _rung(
        report, 2, "the whole", f"one direction through everything: relative error {slope.relative_error:.1e}", started
    )
    return report


def _forward(g, x):
    (name,) = g.inputs
    values, caches = {name: x}, {}
    for node, (layer, wires) in g.nodes.items():
        values[node], caches[node] = fresh(layer).forward(*(values[wire] for wire in wires), train=True)
    return values, caches


def _backward(g, values, caches, labels, report, rng, on_node):
    """Return ({wire: gradient}, {wire: {reader: contribution}}, the first wrong node or None)."""
    weights = losses.head_weights(g.outputs)
    _, _, grads = losses.weighted_sum({wire: values[wire] for wire in weights}, labels, weights)
    sums, parts = dict(grads), {wire: {"the loss": grad} for wire, grad in grads.items()}
    for done, node in enumerate(reversed(g.nodes)):
        if on_node:
            on_node(done, len(g.nodes), node)
        layer, wires = g.nodes[node]
        grad = sums[node]
        inputs = [values[wire] for wire in wires]
        finding = _local(node, layer, inputs, grad, rng)
        if finding is not None:
            report.findings.append(finding)
            if finding.verdict == FAIL:
                return sums, parts, node
        grad_inputs, _ = fresh(layer).backward(grad, caches.pop(node))
        for wire, part in zip(wires, grad_inputs, strict=True):
            readers = parts.setdefault(wire, {})
            readers[node] = readers[node] + part if node in readers else part
            sums[wire] = sums[wire] + part if wire in sums else part
    return sums, parts, None


def _local(node, layer, inputs, grad, rng):
    """Return a Finding if the node's own backward disagrees with a difference of its forward, else None."""
    inputs = [x + NUDGE * (np.sqrt(np.mean(x * x)) or 1.0) * rng.standard_normal(x.shape) for x in inputs]
    directions = [rng.standard_normal(x.shape) for x in inputs]
    along_params = {name: rng.standard_normal(value.shape) for name, value in layer.params.items()}
    try:
        y, cache = fresh(layer).forward(*inputs, train=True)
        grad_inputs, grad_params = fresh(layer).backward(grad, cache)
        analytic = _dot(grad_inputs, directions) + sum(
            float(np.vdot(grad_params[name], along)) for name, along in along_params.items()
        )
    except Exception as error:
        return Finding(FAIL, f"{node}: backward raised {type(error).__name__}: {error}", node)
    for step in (STEP, STEP / 100):
        sides = []
        for sign in (1, -1):
            twin = fresh(layer)
            twin.params = {name: twin.params[name] + sign * step * along for name, along in along_params.items()}
            moved = [x + sign * step * d for x, d in zip(inputs, directions, strict=True)]
            sides.append(twin.forward(*moved, train=True)[0])
        slope = (sides[0] - sides[1]) / (2 * step)
        numeric = float(np.vdot(slope, grad))
        # A random sum is compared with what such a sum usually is, not with the value that this one happens to have.
        scale = np.linalg.norm(slope.reshape(-1) * grad.reshape(-1)) + abs(numeric)
        error = abs(analytic - numeric) / max(scale, 1e-300)
        if error < TOLERANCE * 100 ** (step != STEP):
            return None
    jump = np.abs(sides[0] - 2 * y + sides[1]).max() / step
    if jump > 1e-3 * np.abs(slope).max() and error < 0.1:
        return Finding(INCONCLUSIVE, f"{node}: a kink lies within the step; try another seed", node)
    kind = getattr(layer, "kind", type(layer).__name__)
    sentence = f"{node} ({kind}): backward says {analytic:.9g} along a random direction, its own forward {numeric:.9g}"
    return Finding(FAIL, sentence, node, analytic=analytic, numeric=numeric)


def _explain(report, node, g):
    """Name the culprit, and check a small twin of its layer index by index for what it looks like."""
    report.culprit = node
    layer = g.nodes[node].layer
    small = check_layer(small_twin(layer)) if hasattr(layer, "kind") else None
    if small is not None and small.verdict == FAIL:
        report.suspects += small.suspects
    report.notes.append(f"first wrong node, from the losses backwards: {node}. What comes before it was not judged.")


def _branches(g, x, labels, sums, parts, report):
    """Hold the graph's own sums against the contributions of each reader."""
    (name,) = g.inputs
    forks = [wire for wire, readers in parts.items() if len(readers) > 1]
    logits, tape = g.forward({name: x}, train=True)
    _, _, grads = losses.weighted_sum(logits, labels, losses.head_weights(g.outputs))
    reached, _ = g.backward(grads, tape, wires=forks)
    for wire in forks:
        if _same(reached[wire], sums[wire]):
            continue
        report.findings.append(Finding(FAIL, _missing(wire, reached[wire], parts[wire]), wire))
        report.culprit = report.culprit or wire


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


def _dot(arrays, others):
    return sum(float(np.vdot(a, b)) for a, b in zip(arrays, others, strict=True))


def _rung(report, number, title, outcome, started):
    verdict = report.verdict if report.findings else PASS
    report.rungs.append(Rung(number, title, outcome, verdict, time.perf_counter() - started))
