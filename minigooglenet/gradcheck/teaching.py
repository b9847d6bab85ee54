"""Gradient checks for teaching: error against step size, one index line by line, three kinds of differences."""

from typing import TYPE_CHECKING

import numpy as np

from minigooglenet import figures
from minigooglenet.console import Table
from minigooglenet.gradcheck.check import subject_of
from minigooglenet.gradcheck.differences import STEP, complex_step
from minigooglenet.typing import Rng, Shape

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minigooglenet.layers import Layer

STEPS = 10.0 ** np.arange(-1, -15, -1)
ROUND_OFF = 1e-10  # a larger error at the largest step is truncation error


def ucurve(layer: "Layer", *input_shapes: Shape, rng: Rng = 0) -> tuple["Figure", str]:
    """Draw the relative error of a central difference against the step size h, for one random direction.

    A large step suffers from truncation error, which falls with h squared. A small step suffers from round-off error,
    which grows as 1 / h, because the two forward passes agree in most of their digits. The best step is in between. A
    linear layer has no truncation error, so its best step is a large one.

    Parameters
    ----------
    layer : Layer
    input_shapes, rng : as for `check_layer`

    Returns
    -------
    figure, text

    Examples
    --------
    >>> import minigooglenet as mg
    >>> figure, text = mg.gradcheck.ucurve(mg.layers.Softmax())
    >>> text.splitlines()[0]
    "Relative error of a central difference of Softmax(), by step size ('*': 1e-05, as in the checker):"
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
    chosen = errors["float64"][int(np.argmin(np.abs(np.log(STEPS / STEP))))]
    # The figure is empty to the left of the curve.
    aside = {"textcoords": "offset points", "ha": "right", "arrowprops": {"arrowstyle": "->"}}
    axis.annotate("the checker's step", (STEP, max(chosen, 1e-17)), (-70, 0), **aside)
    axis.set(xlabel="step size h", ylabel="relative error", title=f"{subject.operation}: error of a central difference")
    axis.legend(frameon=False)
    lines = [
        f"Relative error of a central difference of {subject.title}, by step size ('*': {STEP:g}, as in the checker):"
    ]
    lines += [
        f"  {'*' if np.isclose(step, STEP) else ' '} {step:7.0e}  float64 {a:9.1e} {_bar(a)}  float32 {b:9.1e}"
        for step, a, b in zip(STEPS, errors["float64"], errors["float32"], strict=True)
    ]
    best = [f"{name} {STEPS[int(np.argmin(values))]:.0e}" for name, values in errors.items()]
    curved = errors["float64"][0] > ROUND_OFF  # at the largest step
    larger = "has truncation error" if curved else "loses nothing, because the layer is linear"
    verdict = f"Best step: {', '.join(best)}. A smaller step has round-off error, a larger one {larger}."
    alt = (
        f"Line chart of the relative error of a central difference of {subject.operation} against step size. {verdict}"
    )
    return figures.described(figure, "\n".join([*lines, verdict]), alt=alt)


def watch(
    layer: "Layer",
    index: int | tuple[int, ...],
    *input_shapes: Shape,
    argument: str = "x",
    rng: Rng = 0,
    step: float = STEP,
) -> str:
    """Return the arithmetic of one index, line by line: two forward passes, their difference, the two derivatives.

    Parameters
    ----------
    layer : Layer
    index : index of one entry of `argument`; for an input it includes the batch axis
    input_shapes, rng : as for `check_layer`
    argument : "x" (or "x0", "x1", ...), "weight" or "bias"
    step : step size

    Examples
    --------
    >>> import minigooglenet as mg
    >>> text = mg.gradcheck.watch(mg.layers.ReLU(), (0, 0, 0, 0), (1, 2, 2))
    >>> [line.split("  ")[1] for line in text.splitlines()[7:]]
    ['f+ - f-', '(f+ - f-) / 2h', 'backward', 'difference']
    """
    subject, grad_y = subject_of(layer, input_shapes, rng)
    if argument not in subject.names:
        raise ValueError(f"argument must be one of {', '.join(subject.names)}, got {argument!r}")
    if not step > 0:
        raise ValueError(f"step must be positive, got {step!r}")
    position = subject.names.index(argument)
    x, index = subject.arrays[position], tuple(int(i) for i in np.atleast_1d(index))
    if len(index) != x.ndim or any(not -n <= i < n for i, n in zip(index, x.shape, strict=True)):
        raise ValueError(f"index must be {x.ndim} integers inside the shape {x.shape} of {argument}, got {index}")
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
        ("f+ = sum(y * g) at +h", f"{up:+.15f}"),
        ("f- = sum(y * g) at -h", f"{down:+.15f}"),
        ("f+ - f-", f"{up - down:+.6e}"),
        ("(f+ - f-) / 2h", f"{quotient:+.12f}"),
        ("backward", f"{analytic:+.12f}"),
        ("difference", f"{abs(quotient - analytic):.1e}"),
    )
    width = max(len(name) for name, _ in rows)
    return "\n".join([subject.title, *(f"  {name:<{width}}  {value}" for name, value in rows)])


def compare_steps(layer: "Layer", *input_shapes: Shape, rng: Rng = 0) -> Table:
    """Return a table with the relative errors of forward, central and complex differences for several step sizes.

    Parameters
    ----------
    layer : Layer
    input_shapes, rng : as for `check_layer`

    Examples
    --------
    >>> import minigooglenet as mg
    >>> table = mg.gradcheck.compare_steps(mg.layers.Softmax())
    >>> [row[0] for row in table.rows]
    ['1e-01', '1e-03', '1e-05', '1e-07', '1e-09', '1e-11', '1e-13']
    """
    subject, position, direction, grad_y, right = _one_direction(layer, input_shapes, rng)
    middle = float(np.sum(subject.at(position, subject.arrays[position]) * grad_y))
    table = Table(
        f"Relative error of three differences of {subject.title}",
        ("step size", ">forward", ">central", ">complex"),
        notes=[
            "forward: (f(x + h) - f(x)) / h. The truncation error falls with h.",
            "central: (f(x + h) - f(x - h)) / 2h. The truncation error falls with h squared.",
            "complex: Im f(x + ih) / h. It subtracts nothing, so h may be as small as you like."
            + (
                "" if subject.complex_safe else " This layer does not accept complex arrays, so it has no complex step."
            ),
        ],
    )
    for step in STEPS[::2]:
        ahead = float(np.sum(subject.at(position, subject.arrays[position] + step * direction) * grad_y))
        central = _central(subject, subject.arrays, position, direction, grad_y, step)
        exact = complex_step(subject, position, direction, grad_y, step) if subject.complex_safe else None
        errors = (_error((ahead - middle) / step, right), _error(central, right))
        table.rows.append(
            (f"{step:.0e}", *(f"{e:.1e}" for e in errors), "-" if exact is None else f"{_error(exact, right):.1e}")
        )
    return table


def _one_direction(layer, input_shapes, rng):
    subject, grad_y = subject_of(layer, input_shapes, rng)
    rng = np.random.default_rng(rng)
    position = subject.floats[0]
    direction = rng.standard_normal(subject.arrays[position].shape)
    if subject.complex_safe:
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
