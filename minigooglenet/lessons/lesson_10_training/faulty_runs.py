"""Training runs with one faulty line each: a loop of fourteen lines and a small network with a head.

    from minigooglenet.lessons.lesson_10_training import faulty_runs
    runs = faulty_runs.of("ada")        # {"A": FaultyRun, ...}, drawn for a student
    runs["A"].code; runs["A"].history
    faulty_runs.repaired(runs["A"], line=9, repair="s").history

All lines and repairs are in this file. An answer only refers to them by number and letter, so no text of a student is
executed.
"""

import functools
import hashlib
from typing import NamedTuple

import numpy as np

from minigooglenet import losses
from minigooglenet.console import Table
from minigooglenet.graph import Graph
from minigooglenet.layers import Conv2d, Dropout, Flatten, Linear, MaxPool2d, ReLU

CLASSES, SIZE, STEPS, CHECKED, BATCH = 5, 8, 60, 20, 16
RATE, MOMENTUM, DECAY = 0.02, 0.9, 0.02
COUNT = 4  # runs per student
COLUMNS = (">step", ">loss", ">main", ">head", ">held out", ">again", ">weight norm")

LOOP = """\
order = rng.permutation(len(x))
x, y = x[order], y[order]
velocity, total = {}, {}
for step in range(steps):
    batch = rng.integers(0, len(x), size)
    logits, tape = net.forward({"image": x[batch]}, train=True)
    loss, heads, grads = weighted_sum(logits, y[batch], {"head": 0.3, "main": 1.0})
    _, param_grads = net.backward(grads, tape)
    total = {name: param_grads[name] for name in param_grads}
    for name, grad in total.items():
        pull = grad + decay * net.params[name]
        velocity[name] = mu * velocity.get(name, 0) + pull
        net.params[name] -= lr * velocity[name]
    note(loss, heads, lambda: net.forward({"image": held_out}, train=False)[0]["main"])
""".splitlines()

# {fault: (line number, the faulty line)}
FAULTS = {
    "labels against images": (2, "x = x[order]"),
    "gradients not cleared": (9, "    total = {name: total.get(name, 0) + param_grads[name] for name in param_grads}"),
    "dropout when testing": (
        14,
        '    note(loss, heads, lambda: net.forward({"image": held_out}, train=True)[0]["main"])',
    ),
    "decay of the velocity": (11, "        pull = grad + decay * velocity.get(name, 0)"),
    "sign of the rate": (13, "        net.params[name] += lr * velocity[name]"),
    "head without a gradient": (8, '    _, param_grads = net.backward({"main": grads["main"]}, tape)'),
}
_DECOYS = (
    "        net.params[name] -= 0.1 * lr * velocity[name]",
    "        velocity[name] = pull",
    '    _, param_grads = net.backward({"head": grads["head"]}, tape)',
    "    batch = np.arange(size)",
)
# {letter: a line that can replace another one}; each fault has exactly one repair
REPAIRS = dict(zip("pqrstuvwxy", sorted([LOOP[line - 1] for line, _ in FAULTS.values()] + list(_DECOYS)), strict=True))


class Point(NamedTuple):
    """Measurements of one step: the losses of main classifier and head, their weighted sum, the held-out accuracy in
    two evaluations, and the weight norm."""

    main: float
    head: float
    loss: float
    accuracy: float
    again: float
    weights: float


class FaultyRun(NamedTuple):
    """A run: the lines of its loop, and the measurements of its steps."""

    lines: tuple[str, ...]
    history: tuple[Point, ...]

    @property
    def code(self) -> str:
        """The loop with its lines numbered from 1."""
        return "\n".join(f"{number:2}  {line}" for number, line in enumerate(self.lines, 1))

    def table(self, title="", every=10) -> Table:
        """Return a table of the measurements, every few steps."""
        return Table(title, COLUMNS, self.rows(every))

    def rows(self, every=10) -> list[tuple]:
        """Return the rows of the table."""
        rows = []
        for step in sorted({*range(0, len(self.history), every), len(self.history) - 1}):
            main, head, loss, accuracy, again, weights = self.history[step]
            losses_shown = [f"{value + 0:.3g}" for value in (loss, main, head)]  # + 0 turns -0 into 0
            rows.append((step, *losses_shown, f"{accuracy:.0%}", f"{again:.0%}", f"{weights:.4g}"))
        return rows


def together(runs) -> Table:
    """Return one table of several runs, {letter: FaultyRun}."""
    rows = [(letter, *row) for letter, run in runs.items() for row in run.rows()]
    return Table("your runs", ("run", *COLUMNS), rows)


def of(student) -> dict[str, FaultyRun]:
    """Return {letter: FaultyRun} of a student, the same at each call."""
    return {letter: FaultyRun(tuple(_lines_of(fault)), _run(fault)) for letter, fault in key(student).items()}


def without_history(student, letter) -> FaultyRun:
    """Return one run of a student with its lines only, before it is run."""
    return FaultyRun(tuple(_lines_of(key(student)[letter])), ())


def key(student) -> dict[str, str]:
    """Return {letter: fault}, drawn for a student."""
    rng = np.random.default_rng(list(hashlib.sha256(f"{student}/10.5".encode()).digest()))
    return dict(zip("ABCD"[:COUNT], map(str, rng.permutation(list(FAULTS))), strict=False))


def healthy(steps=STEPS) -> FaultyRun:
    """Return the run without a fault."""
    return FaultyRun(tuple(LOOP), _history(tuple(LOOP), steps))


def repaired(run, line, repair, steps=STEPS) -> FaultyRun:
    """Return the run after replacing `line`, counted from 1, with the repair of this letter."""
    lines = list(run.lines)
    if not 1 <= line <= len(lines):
        raise ValueError(f"line must be one of the lines 1 to {len(lines)} of the loop, got {line!r}")
    if repair not in REPAIRS:
        raise ValueError(f"unknown repair {repair!r}; choose from {', '.join(REPAIRS)}")
    lines[line - 1] = REPAIRS[repair]
    return FaultyRun(tuple(lines), _history(tuple(lines), steps))


def repairs() -> str:
    """Return the repairs with their letters, as text."""
    return "\n".join(f"{letter}  {line}" for letter, line in REPAIRS.items())


def solution(fault) -> tuple[str, int, str]:
    """Return (fault, line number, letter of the repair)."""
    line = FAULTS[fault][0]
    return fault, line, next(letter for letter, text in REPAIRS.items() if text == LOOP[line - 1])


def _lines_of(fault):
    line, text = FAULTS[fault]
    return [text if number == line else healthy for number, healthy in enumerate(LOOP, 1)]


def _run(fault):
    return _history(tuple(_lines_of(fault)), STEPS)


def _network():
    rng = np.random.default_rng(3)
    g = Graph(image=(1, SIZE, SIZE))
    g.add("conv", Conv2d(1, 8, 3, padding=1, rng=rng), "image")
    g.add("relu", ReLU(), "conv")
    g.add("corners", MaxPool2d(SIZE // 2), "relu")
    g.add("few", Flatten(), "corners")
    g.add("head", Linear(8 * 4, CLASSES, rng=rng), "few")
    g.add("pool", MaxPool2d(2), "relu")
    g.add("flat", Flatten(), "pool")
    g.add("drop", Dropout(0.5, rng=np.random.default_rng(4)), "flat")
    g.add("main", Linear(8 * (SIZE // 2) ** 2, CLASSES, rng=rng), "drop")
    for name in ("head/weight", "main/weight"):
        g.params[name] *= 0.1  # small logits, so that the first loss is close to ln CLASSES
    return g


@functools.cache
def _data():
    """Return (images, labels, held-out images, held-out labels): five patterns with noise."""
    rng = np.random.default_rng(5)
    patterns = rng.choice([-1.0, 1.0], (CLASSES, 1, SIZE // 2, SIZE // 2)).repeat(2, axis=2).repeat(2, axis=3)
    labels = rng.integers(0, CLASSES, 160)
    images = (patterns[labels] + 1.2 * rng.normal(size=(160, 1, SIZE, SIZE))).astype(np.float32)
    return images[:60], labels[:60], images[60:], labels[60:]


@functools.lru_cache(maxsize=64)
def _history(lines, steps):
    net, points = _network(), []
    x, y, held_out, truth = _data()

    def note(loss, heads, test):
        accuracies = [float((test().argmax(axis=1) == truth).mean()) for _ in range(2)]
        norm = float(np.sqrt(sum(float((value.astype(np.float64) ** 2).sum()) for value in net.params.values())))
        points.append(Point(float(heads["main"]), float(heads["head"]), float(loss), *accuracies, norm))

    names = {"x": x, "y": y, "held_out": held_out, "steps": steps, "size": BATCH, "net": net, "note": note, "np": np}
    names |= {"lr": RATE, "mu": MOMENTUM, "decay": DECAY, "weighted_sum": losses.weighted_sum}
    with np.errstate(all="ignore"):
        exec(compile("\n".join(lines), "the loop", "exec"), names | {"rng": np.random.default_rng(6)})
    return tuple(points)
