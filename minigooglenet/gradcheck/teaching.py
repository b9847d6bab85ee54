"""Seeing a gradient check work: the error against the step, one index line by line, three kinds of difference."""

import numpy as np

from minigooglenet import figures
from minigooglenet.console import Table
from minigooglenet.gradcheck.check import subject_of
from minigooglenet.gradcheck.differences import STEP, complex_step

STEPS = 10.0 ** np.arange(-1, -15, -1)
ROUND_OFF = 1e-10  # an error at the largest step above it is truncation


def ucurve(layer, *input_shapes, rng=0):
    """Draw the relative error of a central difference against its step, for one random direction; (figure, text).

    With a large step the difference misses the curve (truncation, falling with step squared); with a small one the two
    forward passes agree in most of their digits (round-off, growing as 1 / step). The best step is between them. A
    linear layer has no truncation, and its best step is a large one.

    Parameters
    ----------
    layer : Layer
    input_shapes, rng : as for `check_layer`
    """
    subject, position, direction, grad_y, right = _one_direction(layer, input_shapes, rng)
    errors = {}
    for dtype in (np.float64, np.float32):
        low = [np.asarray(a, dtype) for a in subject.arrays]
        errors[np.dtype(dtype).name] = [
            _error(_central(subject, low, position, direction, grad_y, dtype(step)), right) for step in STEPS
        ]
    figure, axis = figures.new(6, 4)
    for (name, values), colour, marker in zip(errors.items(), figures.PALETTE, "os", strict=False):
        axis.loglog(STEPS, np.maximum(values, 1e-17), marker=marker, color=colour, label=name)
    here = errors["float64"][int(np.argmin(np.abs(np.log(STEPS / STEP))))]
    aside = {"textcoords": "offset points", "ha": "right", "arrowprops": {"arrowstyle": "->"}}  # where no line runs
    axis.annotate("the checker's step", (STEP, max(here, 1e-17)), (-70, 0), **aside)
    axis.set(xlabel="step h", ylabel="relative error", title=f"{subject.operation}: error of a central difference")
    axis.legend(frameon=False)
    lines = [f"Relative error of a central difference of {subject.title}, by step ('*' marks the step used, {STEP:g}):"]
    lines += [
        f"  {'*' if np.isclose(step, STEP) else ' '} {step:7.0e}  float64 {a:9.1e} {_bar(a)}  float32 {b:9.1e}"
        for step, a, b in zip(STEPS, errors["float64"], errors["float32"], strict=True)
    ]
    best = [f"{name} {STEPS[int(np.argmin(values))]:.0e}" for name, values in errors.items()]
    curved = errors["float64"][0] > ROUND_OFF  # at the largest step
    larger = "a larger one misses the curve" if curved else "a larger one loses nothing, because the layer is linear"
    verdict = f"Best step: {', '.join(best)}. A smaller one loses digits, {larger}."
    alt = f"Lines of the relative error of a central difference of {subject.operation} against its step. {verdict}"
    return figures.described(figure, "\n".join([*lines, verdict]), alt=alt)


def watch(layer, index, *input_shapes, argument="x", rng=0, step=STEP) -> str:
    """Return the arithmetic of one index, line by line: the two forwards, their difference, the quotient, the backward.

    Parameters
    ----------
    layer : Layer
    index : of the entry of `argument` to move, with the batch axis for an input
    argument : "x" (or "x0", "x1", ...), "weight", "bias"
    """
    subject, grad_y = subject_of(layer, input_shapes, rng)
    if argument not in subject.names:
        raise ValueError(f"argument must be one of {', '.join(subject.names)}, got {argument!r}")
    if not step > 0:
        raise ValueError(f"step must be above 0, got {step!r}")
    position = subject.names.index(argument)
    x, index = subject.arrays[position], tuple(int(i) for i in np.atleast_1d(index))
    if len(index) != x.ndim or any(not -n <= i < n for i, n in zip(index, x.shape, strict=True)):
        raise ValueError(f"index must have {x.ndim} numbers inside {argument}'s shape {x.shape}, got {index}")
    sides = []
    for sign in (1, -1):
        moved = x.copy()
        moved[index] += sign * step
        sides.append(float(np.sum(subject.at(position, moved) * grad_y)))
    up, down = sides
    analytic = float(subject.gradients(grad_y)[position][index])
    quotient = (up - down) / (2 * step)
    label = f"{argument}[{', '.join(map(str, index))}]"
    rows = (
        (label, f"{x[index]:+.15f}"),
        ("h", f"{step:g}"),
        (f"{label} + h", f"{x[index] + step:+.15f}"),
        (f"{label} - h", f"{x[index] - step:+.15f}"),
        ("f+ = sum(y * g) there", f"{up:+.15f}"),
        ("f- = sum(y * g) there", f"{down:+.15f}"),
        ("f+ - f-", f"{up - down:+.6e}"),
        ("(f+ - f-) / 2h", f"{quotient:+.12f}"),
        ("backward says", f"{analytic:+.12f}"),
        ("they differ by", f"{abs(quotient - analytic):.1e}"),
    )
    width = max(len(name) for name, _ in rows)
    return "\n".join([subject.title, *(f"  {name:<{width}}  {value}" for name, value in rows)])


def compare_steps(layer, *input_shapes, rng=0) -> Table:
    """Return the relative errors of forward, central and complex differences for a row of steps."""
    subject, position, direction, grad_y, right = _one_direction(layer, input_shapes, rng)
    here = float(np.sum(subject.at(position, subject.arrays[position]) * grad_y))
    table = Table(
        f"Relative error of three differences of {subject.title}",
        ("step", ">forward", ">central", ">complex"),
        notes=[
            "forward: (f(x + h) - f(x)) / h, truncation falls with h.",
            "central: (f(x + h) - f(x - h)) / 2h, truncation falls with h squared.",
            "complex: Im f(x + ih) / h subtracts nothing, so h may be as small as one likes"
            + ("." if subject.analytic else "; this layer is not analytic, so it has none."),
        ],
    )
    for step in STEPS[::2]:
        ahead = float(np.sum(subject.at(position, subject.arrays[position] + step * direction) * grad_y))
        central = _central(subject, subject.arrays, position, direction, grad_y, step)
        exact = complex_step(subject, position, direction, grad_y, step) if subject.analytic else None
        errors = (_error((ahead - here) / step, right), _error(central, right))
        table.rows.append(
            (f"{step:.0e}", *(f"{e:.1e}" for e in errors), "-" if exact is None else f"{_error(exact, right):.1e}")
        )
    return table


def _one_direction(layer, input_shapes, rng):
    subject, grad_y = subject_of(layer, input_shapes, rng)
    rng = np.random.default_rng(rng)
    position = subject.floats[0]
    direction = rng.standard_normal(subject.arrays[position].shape)
    if subject.analytic:
        right = complex_step(subject, position, direction, grad_y)
    else:
        right = float(np.sum(subject.gradients(grad_y)[position] * direction))
    return subject, position, direction, grad_y, right


def _central(subject, arrays, position, direction, grad_y, step):
    sides = []
    for sign in (1, -1):
        moved = list(arrays)
        moved[position] = arrays[position] + sign * step * direction.astype(arrays[position].dtype)
        y = np.asarray(subject.forward(*moved))
        sides.append(np.sum(y * grad_y.astype(y.dtype)))
    return float((sides[0] - sides[1]) / (2 * step))


def _error(value, right):
    return abs(value - right) / max(abs(right), 1e-300)


def _bar(error):
    return f"{'#' * max(0, round(17 + np.log10(max(error, 1e-17)))):<17}"
