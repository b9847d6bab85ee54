"""The figure of a sweep: held-out accuracy against each option that was tried."""

import math
from collections.abc import Sequence
from typing import Any

from minigooglenet import figures
from minigooglenet.training.sweep.results import DONE, Result

MOST_PANELS = 4
APART = 0.15  # least distance of two labels below the axis, as a fraction of its length
MOST_LABEL = 16  # characters of a value below the axis


def figure(found: Sequence[Result]) -> tuple[Any, str] | None:
    """Return (figure, its description) of the finished jobs, or None if none is finished.

    Each panel has one option: a point for each job, a line through the means, and a star at the best job.
    """
    finished = [result for result in found if result.state == DONE and result.last is not None]
    if not finished:
        return None
    options = [option for option in finished[0].values if len({result.values[option] for result in finished}) > 1]
    shown = (options or list(finished[0].values))[:MOST_PANELS]
    drawing, axes = figures.new(1.2 + 3.2 * len(shown), 3.6, ncols=len(shown), sharey=True, squeeze=False)
    for option, axis in zip(shown, axes[0], strict=True):
        _panel(axis, option, finished)
    axes[0][0].set_ylabel("held-out accuracy, last epoch (%)")
    axes[0][-1].legend(fontsize=8, loc="best")
    return figures.described(drawing, _words(finished, shown))


def _panel(axis, option, finished):
    values = _ordered({result.values[option] for result in finished})
    numbers = _as_numbers(values)
    logarithmic = numbers is not None and min(numbers) > 0 and max(numbers) / min(numbers) >= 8
    xs = dict(zip(values, range(len(values)) if numbers is None else numbers, strict=True))
    points = [(xs[result.values[option]], 100 * result.last.test_accuracy) for result in finished]
    blue, orange = figures.PALETTE[0], figures.PALETTE[3]
    axis.plot(*zip(*points, strict=True), "o", color=blue, alpha=0.8, label="a job")
    if len(points) > len(values) > 1:
        means = [_mean([y for x, y in points if x == xs[value]]) for value in values]
        axis.plot([xs[value] for value in values], means, "--", color=blue, label="mean of a value")
    axis.plot(*points[0], "*", markersize=15, color=orange, markeredgecolor="black", label="the best job")
    axis.margins(x=0.12)
    if logarithmic:
        axis.set_xscale("log")
    labelled = values if numbers is None else _far_apart(values, numbers, logarithmic)
    axis.set_xticks([xs[value] for value in labelled], [_label(value) for value in labelled])
    axis.minorticks_off()
    if numbers is None:
        axis.set_xlim(-0.5, len(values) - 0.5)
        axis.tick_params(axis="x", labelrotation=30 if len(values) > 4 else 0)
    axis.set_xlabel(f"{option}{' (logarithmic)' * logarithmic}")


def _words(finished, shown):
    best = finished[0]
    first = f"Held-out accuracy of {len(finished)} jobs against {', '.join(shown)}"
    lines = [f"{first}; the best is {best.last.test_accuracy:.2%} with {_settings(best)}."]
    for option in shown:
        lines += ["", f"{option}: number of jobs, mean accuracy, best accuracy"]
        for value in _ordered({result.values[option] for result in finished}):
            rates = [result.last.test_accuracy for result in finished if result.values[option] == value]
            lines.append(f"  {value:>12}  {len(rates):3}  {_mean(rates):7.2%}  {max(rates):7.2%}")
    return "\n".join(lines)


def _settings(result):
    return ", ".join(f"{option} {value}" for option, value in result.values.items())


def _mean(values):
    return math.fsum(values) / len(values)


def _ordered(values):
    """Return texts in the order of their numbers, or of the alphabet if one is not a number."""
    return sorted(values) if _as_numbers(values) is None else sorted(values, key=float)


def _as_numbers(values):
    try:
        numbers = [float(value) for value in values]
    except ValueError:
        return None
    return numbers if all(map(math.isfinite, numbers)) else None


def _far_apart(values, numbers, logarithmic):
    """Return the values whose labels do not overlap, from the smallest."""
    places = [math.log(number) if logarithmic else number for number in numbers]
    least, kept = APART * (places[-1] - places[0]), [0]
    for index, place in enumerate(places):
        if index and place - places[kept[-1]] >= least:
            kept.append(index)
    return [values[index] for index in kept]


def _label(value):
    return value if len(value) <= MOST_LABEL else f"{value[: MOST_LABEL - 3]}..."
