"""Training runs with one faulty line each, to be found by their curves: a small network, two heads, fourteen lines.

    from minigooglenet.lessons.lesson_10_training import sick_runs
    runs = sick_runs.of("ada")        # {"A": SickRun, ...}, drawn for a student
    runs["A"].code; runs["A"].history
    sick_runs.repaired(runs["A"], line=9, repair="s").history

The lines and the repairs are all written here: an answer only points at them, so that no student's text is executed.
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
COUNT = 4  # runs for each student
COLUMNS = (">step", ">loss", ">main", ">head", ">held out", ">again", ">norm of weights")

LOOP = """\
order = rng.permutation(len(x))
x, y = x[order], y[order]
velocity, total = {}, {}
for step in range(steps):
    batch = rng.integers(0, len(x), size)
    logits, tape = net.forward({"image": x[batch]}, train=True)
    loss, heads, grads = weighted_sum(logits, y[batch], {"head": 0.3, "main": 1.0})
    _, found = net.backward(grads, tape)
    total = {name: found[name] for name in found}
    for name, grad in total.items():
        pull = grad + decay * net.params[name]
        velocity[name] = mu * velocity.get(name, 0) + pull
        net.params[name] -= lr * velocity[name]
    note(loss, heads, lambda: net.forward({"image": held_out}, train=False)[0]["main"])
""".splitlines()

# {fault: (number of the line, the line as it is there)}
FAULTS = {
    "labels against images": (2, "x = x[order]"),
    "gradients not cleared": (9, "    total = {name: total.get(name, 0) + found[name] for name in found}"),
    "dropout when testing": (
        14,
        '    note(loss, heads, lambda: net.forward({"image": held_out}, train=True)[0]["main"])',
    ),
    "decay of the velocity": (11, "        pull = grad + decay * velocity.get(name, 0)"),
    "sign of the rate": (13, "        net.params[name] += lr * velocity[name]"),
    "head without a gradient": (8, '    _, found = net.backward({"main": grads["main"]}, tape)'),
}
_DECOYS = (
    "        net.params[name] -= 0.1 * lr * velocity[name]",
    "        velocity[name] = pull",
    '    _, found = net.backward({"head": grads["head"]}, tape)',
    "    batch = np.arange(size)",
)
# {letter: a line to put in the place of another}; one of them repairs each fault
REPAIRS = dict(zip("pqrstuvwxy", sorted([LOOP[line - 1] for line, _ in FAULTS.values()] + list(_DECOYS)), strict=True))


class Point(NamedTuple):
    """What is noted of a step: losses of the main head and the other, the sum, held-out accuracy twice, and the size
    of the weights."""

    main: float
    head: float
    loss: float
    accuracy: float
    again: float
    weights: float


class SickRun(NamedTuple):
    """A run: its loop, line by line, and what was noted of its steps."""

    lines: tuple[str, ...]
    history: tuple[Point, ...]

    @property
    def code(self) -> str:
        """The loop with its lines numbered from 1."""
        return "\n".join(f"{number:2}  {line}" for number, line in enumerate(self.lines, 1))

    def table(self, title="", every=10) -> Table:
        """Return what was noted, every few steps."""
        return Table(title, COLUMNS, self.rows(every))

    def rows(self, every=10) -> list[tuple]:
        """Return the rows of the table."""
        rows = []
        for step in sorted({*range(0, len(self.history), every), len(self.history) - 1}):
            main, head, loss, accuracy, again, weights = self.history[step]
            numbers = [f"{value + 0:.3g}" for value in (loss, main, head)]  # no -0
            rows.append((step, *numbers, f"{accuracy:.0%}", f"{again:.0%}", f"{weights:.4g}"))
        return rows


def together(runs) -> Table:
    """Return one table of several runs, {letter: SickRun}."""
    rows = [(letter, *row) for letter, run in runs.items() for row in run.rows()]
    return Table("your runs", ("run", *COLUMNS), rows)


def of(student) -> dict[str, SickRun]:
    """Return {letter: SickRun} of a student; the same every time."""
    return {letter: SickRun(tuple(_sick(fault)), _run(fault)) for letter, fault in key(student).items()}


def start(student, letter) -> SickRun:
    """Return one run of a student with nothing noted yet: its lines alone."""
    return SickRun(tuple(_sick(key(student)[letter])), ())


def key(student) -> dict[str, str]:
    """Return {letter: name of the fault}, as drawn for a student."""
    rng = np.random.default_rng(list(hashlib.sha256(f"{student}/10.5".encode()).digest()))
    return dict(zip("ABCD"[:COUNT], map(str, rng.permutation(list(FAULTS))), strict=False))


def healthy(steps=STEPS) -> SickRun:
    """Return the run without a fault."""
    return SickRun(tuple(LOOP), _history(tuple(LOOP), steps))


def repaired(run, line, repair, steps=STEPS) -> SickRun:
    """Return the run again with `line`, counted from 1, replaced by the repair of that letter."""
    lines = list(run.lines)
    if not 1 <= line <= len(lines):
        raise ValueError(f"the loop has the lines 1 to {len(lines)}, got {line!r}")
    if repair not in REPAIRS:
        raise ValueError(f"the repairs are {', '.join(REPAIRS)}, got {repair!r}")
    lines[line - 1] = REPAIRS[repair]
    return SickRun(tuple(lines), _history(tuple(lines), steps))


def repairs() -> str:
    """Return the repairs with their letters, as text."""
    return "\n".join(f"{letter}  {line}" for letter, line in REPAIRS.items())


def cure(fault) -> tuple[str, int, str]:
    """Return (fault, number of its line, letter of its repair)."""
    line = FAULTS[fault][0]
    return fault, line, next(letter for letter, text in REPAIRS.items() if text == LOOP[line - 1])


def _sick(fault):
    line, text = FAULTS[fault]
    return [text if number == line else healthy for number, healthy in enumerate(LOOP, 1)]


def _run(fault):
    return _history(tuple(_sick(fault)), STEPS)


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
        g.params[name] *= 0.1  # so that the first loss is that of a guess
    return g


@functools.cache
def _data():
    """Return (images, labels, held-out images, their labels): five patterns under noise."""
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
        hits = [float((test().argmax(axis=1) == truth).mean()) for _ in range(2)]
        size = float(np.sqrt(sum(float((value.astype(np.float64) ** 2).sum()) for value in net.params.values())))
        points.append(Point(float(heads["main"]), float(heads["head"]), float(loss), *hits, size))

    names = {"x": x, "y": y, "held_out": held_out, "steps": steps, "size": BATCH, "net": net, "note": note, "np": np}
    names |= {"lr": RATE, "mu": MOMENTUM, "decay": DECAY, "weighted_sum": losses.weighted_sum}
    with np.errstate(all="ignore"):
        exec(compile("\n".join(lines), "the loop", "exec"), names | {"rng": np.random.default_rng(6)})
    return tuple(points)
