"""Vanishing gradients, and the effect of each remedy: one deep network, and variants with one change each."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from minigooglenet import checks, console, losses, models, optim
from minigooglenet.console import Table
from minigooglenet.graph import Graph
from minigooglenet.parallel import flushed
from minigooglenet.training.step import gradients
from minigooglenet.typing import Array, ArrayLike, FloatArray

DEPTH = 12
# Standard deviation 0.01 in every layer.
_BAD: dict[str, Any] = {"depth": DEPTH, "init": "gaussian", "norm": None, "aux": False}
# Arguments of mini_googlenet.
VARIANTS: dict[str, dict[str, Any]] = {
    "weights of 0.01": _BAD,
    "a third as deep": {**_BAD, "depth": DEPTH // 3},
    "an auxiliary head": {**_BAD, "aux": True},
    "Caffe initialisation": {**_BAD, "init": "caffe"},
    "He initialisation": {**_BAD, "init": "he"},
    "batch norm": {**_BAD, "norm": "batch"},
}


class Flow(NamedTuple):
    """Gradient norms of one network in a short training.

    before, after : {module: norm of its parameter gradients} at the first and at the last step, from the input to the
        main classifier, without the auxiliary heads
    losses : loss of the main classifier at each step, up to the first one that is not finite
    """

    before: dict[str, float]
    after: dict[str, float]
    losses: list[float]

    def __repr__(self) -> str:
        return console.brief(self)

    @property
    def reach(self) -> float:
        """The norm of the first module divided by the norm of the last, at the first step; 1 if nothing vanishes."""
        first, *_, last = self.before.values()
        return first / last if last else float("nan")


def gradient_flow(
    images: FloatArray,
    labels: ArrayLike,
    variants: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    steps: int = 40,
    batch_size: int = 32,
    lr: float = 0.02,
    seed: int = 0,
    on_step: Callable[[int, int, str], object] | None = None,
) -> dict[str, Flow]:
    """Train each variant of a small GoogLeNet for a few steps and return {variant: Flow}.

    Parameters
    ----------
    images : (M, C, H, W) float32, 32 x 32 or larger
    labels : M integers
    variants : {name: arguments of mini_googlenet}, by default VARIANTS
    steps : number of training steps per variant
    on_step : called with (steps done, steps in total, name of the variant)

    Examples
    --------
    >>> import minigooglenet as mg
    >>> images, labels, *_ = mg.data.digits()
    >>> variants = {"he": {"depth": 2, "init": "he"}}
    >>> flows = mg.training.gradient_flow(images, labels, variants, steps=2, batch_size=4)
    >>> len(flows["he"].losses)
    2
    """
    variants, labels = VARIANTS if variants is None else variants, np.asarray(checks.unmasked(labels, "labels"))
    flows = {}
    for index, (name, arguments) in enumerate(variants.items()):
        g = models.mini_googlenet(
            int(labels.max()) + 1, in_channels=images.shape[1], size=images.shape[2], **arguments, rng=seed
        )
        rng, velocity, values = np.random.default_rng(seed), dict[str, Array](), list[float]()
        heads = {wire.split("/")[0] for wire in g.outputs if wire != g.main}
        weights, before, after = losses.head_weights(g), dict[str, float](), dict[str, float]()
        for step in range(steps):
            batch = rng.integers(0, len(images), batch_size)
            try:
                result = gradients(g, images[batch], labels[batch], weights, number=step)
            except FloatingPointError:
                break
            after = {module: norm for module, norm in norms_by_module(g, result.params).items() if module not in heads}
            before = before or after
            values.append(result.heads[g.main])
            optim.sgd_step(g.params, result.params, velocity, lr=lr)
            if on_step:
                on_step(index * steps + step + 1, len(variants) * steps, name)
        flows[name] = Flow(before, after, values)
    return flows


@flushed
def norm(grads: Iterable[Array]) -> float:
    """Return the Euclidean norm of all arrays together."""
    return float(np.sqrt(sum(float(np.vdot(grad, grad).real) for grad in grads)))


def norms_by_node(g: Graph, grads: Mapping[str, Array]) -> dict[str, float]:
    """Return {node: Euclidean norm of its parameter gradients} in the order of the graph, from {"node/weight": ...}."""
    grouped = dict[str, list[Array]]()
    for name, grad in grads.items():
        grouped.setdefault(name.rpartition("/")[0], []).append(grad)
    return {node: norm(grouped[node]) for node in g.nodes if node in grouped}


def norms_by_module(g: Graph, grads: Mapping[str, Array]) -> dict[str, float]:
    """Return {module: norm}, in the order of the graph; the module is the part of a node's name before the slash."""
    squares = dict[str, float]()
    for node, norm in norms_by_node(g, grads).items():
        module = node.split("/")[0]
        squares[module] = squares.get(module, 0.0) + norm**2
    return {module: total**0.5 for module, total in squares.items()}


def module_norms(rows: Iterable[tuple[Any, ...]]) -> dict[str, list[tuple[int, float]]]:
    """Return {module: [(step, norm of all its gradients)]} for rows (step, node, norm)."""
    squares = dict[str, dict[int, float]]()
    for step, node, norm in rows:
        of_module = squares.setdefault(str(node).split("/")[0], {})
        of_module[step] = of_module.get(step, 0.0) + norm**2
    return {module: [(step, total**0.5) for step, total in totals.items()] for module, totals in squares.items()}


def table(flows: Mapping[str, Flow], steps: int) -> Table:
    """Return the result of `gradient_flow` as a table."""
    rows = []
    for name, flow in flows.items():
        first, *_, last = flow.before.values()
        loss = f"{np.mean(flow.losses[-5:]):.3f}" if len(flow.losses) == steps else "not finite"
        rows.append((name, f"{first:.2g}", f"{last:.2g}", f"{flow.reach:.2g}", f"{flow.losses[0]:.3f}", loss))
    columns = ("network", ">first module", ">last module", ">first / last", ">loss at first", ">after")
    notes = [
        "Norms of the parameter gradients of a module at the first step.",
        f"Losses of the main classifier in nats: at the first step, and the mean of the last five of {steps}.",
    ]
    return Table("Gradient norms", columns, rows, notes)
