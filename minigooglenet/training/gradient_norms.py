"""The vanishing gradient made visible, and what each remedy does to it: one deep net, one thing changed at a time."""

from typing import NamedTuple

import numpy as np

from minigooglenet import checks, console, losses, models, optim
from minigooglenet.console import Table
from minigooglenet.parallel import flushed
from minigooglenet.training.step import gradients

DEPTH = 12
_BAD = {"depth": DEPTH, "init": "gaussian", "norm": None, "aux": False}  # weights of 0.01 whatever the layer
# Arguments of mini_googlenet.
VARIANTS = {
    "weights of 0.01": _BAD,
    "a third as deep": {**_BAD, "depth": DEPTH // 3},
    "an auxiliary head": {**_BAD, "aux": True},
    "Caffe's first weights": {**_BAD, "init": "caffe"},
    "He's first weights": {**_BAD, "init": "he"},
    "batch norm": {**_BAD, "norm": "batch"},
}


class Flow(NamedTuple):
    """How gradients reached through one network.

    before, after : {module: norm of its parameters' gradient}, input first and without the heads beside the way, at the
        first and the last step
    losses : of the main head, step by step; cut short where one was not finite
    """

    before: dict[str, float]
    after: dict[str, float]
    losses: list[float]

    def __repr__(self) -> str:
        return console.brief(self)

    @property
    def reach(self) -> float:
        """The first module's norm over the last's, at the first step: 1 where nothing vanishes."""
        first, *_, last = self.before.values()
        return first / last if last else float("nan")


def gradient_flow(images, labels, variants=None, *, steps=40, batch_size=32, lr=0.02, seed=0, on_step=None):
    """Train a small GoogLeNet for a few steps in each variant and return {variant: Flow}.

    Parameters
    ----------
    images : (M, C, H, W) float32, 32 x 32 or larger;  labels : M integers
    variants : {name: arguments of mini_googlenet}, VARIANTS unless given
    on_step : called with (steps done, steps in all, name of the variant)
    """
    variants, labels = VARIANTS if variants is None else variants, np.asarray(checks.unmasked(labels, "labels"))
    found = {}
    for place, (name, arguments) in enumerate(variants.items()):
        g = models.mini_googlenet(
            int(labels.max()) + 1, in_channels=images.shape[1], size=images.shape[2], **arguments, rng=seed
        )
        rng, velocity, values = np.random.default_rng(seed), {}, []
        beside = {wire.split("/")[0] for wire in g.outputs if wire != g.main}
        weights, before, after = losses.head_weights(g), None, None
        for step in range(steps):
            batch = rng.integers(0, len(images), batch_size)
            try:
                result = gradients(g, images[batch], labels[batch], weights, number=step)
            except FloatingPointError:
                break
            after = {module: norm for module, norm in norms_by_module(g, result.params).items() if module not in beside}
            before = before or after
            values.append(result.heads[g.main])
            optim.sgd_step(g.params, result.params, velocity, lr=lr)
            if on_step:
                on_step(place * steps + step + 1, len(variants) * steps, name)
        found[name] = Flow(before or {}, after or {}, values)
    return found


@flushed
def norm(grads) -> float:
    """Return the Euclidean norm of all arrays together."""
    return float(np.sqrt(sum(float(np.vdot(grad, grad).real) for grad in grads)))


def norms_by_node(g, grads) -> dict[str, float]:
    """Return {node: Euclidean norm of its parameters' gradients} in the order of the graph, of {"node/weight": ...}."""
    grouped = {}
    for name, grad in grads.items():
        grouped.setdefault(name.rpartition("/")[0], []).append(grad)
    return {node: norm(grouped[node]) for node in g.nodes if node in grouped}


def norms_by_module(g, grads) -> dict[str, float]:
    """Return {module: norm}, in the order of the graph; a module is what stands before the slash of a node's name."""
    squares = {}
    for node, norm in norms_by_node(g, grads).items():
        module = node.split("/")[0]
        squares[module] = squares.get(module, 0.0) + norm**2
    return {module: total**0.5 for module, total in squares.items()}


def module_norms(rows) -> dict[str, list[tuple[int, float]]]:
    """Return {module: [(step, norm of all its gradients)]} for rows (step, node, norm)."""
    squares = {}
    for step, node, norm in rows:
        of_module = squares.setdefault(str(node).split("/")[0], {})
        of_module[step] = of_module.get(step, 0.0) + norm**2
    return {module: [(step, total**0.5) for step, total in found.items()] for module, found in squares.items()}


def table(flows, steps) -> Table:
    """Return what `gradient_flow` found as a table."""
    rows = []
    for name, flow in flows.items():
        first, *_, last = flow.before.values()
        loss = f"{np.mean(flow.losses[-5:]):.3f}" if len(flow.losses) == steps else "not finite"
        rows.append((name, f"{first:.2g}", f"{last:.2g}", f"{flow.reach:.2g}", f"{flow.losses[0]:.3f}", loss))
    columns = ("network", ">first module", ">last module", ">first / last", ">loss at first", ">after")
    notes = [
        "Norms of the gradient of a module's parameters at the first step.",
        f"Losses of the main head in nats: of the first step, and the mean of the last five of {steps}.",
    ]
    return Table("How far the gradient reaches", columns, rows, notes)
