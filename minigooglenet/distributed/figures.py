"""Figures of a simulation: how stale the gradients are, and accuracy against updates and against simulated hours."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from minigooglenet import figures
from minigooglenet.distributed.distbelief.results import Simulation, described, fraction

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["accuracy", "staleness"]

# {mode: (colour, marker)}
STYLES = {
    "asynchronous": (figures.PALETTE[0], "o"),
    "synchronous": (figures.PALETTE[1], "s"),
    "backup": (figures.PALETTE[2], "^"),
}


def staleness(result: Simulation) -> tuple["Figure", str]:
    """Draw the histogram of the staleness: the number of updates by others between a fetch and its push.

    Parameters
    ----------
    result : Simulation

    Returns
    -------
    figure, text

    Examples
    --------
    >>> import minigooglenet as mg
    >>> g = mg.Graph(image=(1, 8, 8))
    >>> wire = g.add("fc", mg.layers.Linear(64, 10, rng=0), g.add("flat", mg.layers.Flatten(), "image"))
    >>> equal = mg.distributed.ComputeTimes(spread=0, stragglers=0)
    >>> result = mg.distributed.simulate(g, mg.data.digits(8), workers=3, updates=20, times=equal)
    >>> print(mg.distributed.figures.staleness(result)[1])
    staleness of 20 updates, asynchronous, 3 workers: mean 1.85, largest 2
    staleness  updates
            0        1  ##
            1        1  ##
            2       18  ##############################
    """
    values = result.staleness
    counts = np.bincount(values)
    figure, axis = figures.new(6, 3.4)
    colour, _ = STYLES[result.mode]
    axis.bar(range(len(counts)), counts, color=colour, edgecolor="black", linewidth=0.6)
    axis.axvline(values.mean(), color=figures.PALETTE[7], linestyle="--", label=f"mean {values.mean():.2f}")
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.set(xlabel="staleness (updates by other workers since the fetch)", ylabel="updates")
    crew = described(result.workers, result.backup)
    axis.set_title(f"Staleness of the gradients, {result.mode}, {crew}", fontsize=10)
    axis.legend(frameon=False, fontsize=9)
    head = f"staleness of {len(values):,} updates, {result.mode}, {crew}: mean {values.mean():.2f}, largest"
    head += f" {values.max()}"
    lines = [f"{'staleness':9}  {'updates':>7}"]
    for value, count in enumerate(counts.tolist()):
        bar = "#" * -(-30 * count // int(counts.max()))
        lines.append(f"{value:9}  {count:7,}  {bar}".rstrip())
    return figures.described(figure, "\n".join([head, *lines]), alt=f"Histogram of the {head}.")


def accuracy(results: Mapping[str, Simulation]) -> tuple["Figure", str]:
    """Draw the accuracy of the last weights and of their average against updates and against simulated hours.

    Parameters
    ----------
    results : {mode: Simulation}, from `compare_modes`

    Returns
    -------
    figure, text

    Examples
    --------
    >>> import minigooglenet as mg
    >>> g = mg.Graph(image=(1, 8, 8))
    >>> wire = g.add("fc", mg.layers.Linear(64, 10, rng=0), g.add("flat", mg.layers.Flatten(), "image"))
    >>> result = mg.distributed.simulate(g, mg.data.digits(8), workers=4, updates=40, evaluations=2)
    >>> print(mg.distributed.figures.accuracy({"asynchronous": result})[1].splitlines()[1])
    mode           updates  hours  last weights  average
    """
    if not results:
        raise ValueError("results must contain at least one Simulation, got none")
    figure, axes = figures.new(6.4, 6.6, nrows=2)
    panels = (
        (axes[0], "updates", [[point.updates for point in result.points] for result in results.values()]),
        (axes[1], "simulated hours", [[point.hours for point in result.points] for result in results.values()]),
    )
    for axis, label, columns in panels:
        for (mode, result), xs in zip(results.items(), columns, strict=True):
            colour, marker = STYLES[result.mode]
            style = {"color": colour, "marker": marker, "markersize": 5}
            last = [point.accuracy for point in result.points]
            average = [point.average for point in result.points]
            axis.plot(xs, last, linestyle="--", markerfacecolor="white", label=f"{mode}, last weights", **style)
            axis.plot(xs, average, linewidth=2, label=f"{mode}, average", **style)
        axis.set(xlabel=label, ylabel="accuracy")
        axis.grid(alpha=0.3)
    axes[0].set_xscale("log")
    axes[0].xaxis.set_major_formatter("{x:,.0f}")
    axes[0].set_title("Accuracy of the last weights and of their Polyak average", fontsize=10)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    wide = max(12, *map(len, results))
    lines = [f"{'mode':{wide}}  {'updates':>8}  {'hours':>5}  {'last weights':>12}  {'average':>7}"]
    for mode, result in results.items():
        lines += [
            f"{mode:{wide}}  {point.updates:8,}  {point.hours:5.2f}  {point.accuracy:12.3f}  "
            f"{fraction(point.average):>7}"
            for point in result.points
        ]
    head = "accuracy on the held-out images against updates and against simulated hours"
    ends = [
        f"{mode}: {len(result.updates):,} updates in {result.hours:.2f} hours, last weights {result.accuracy:.3f}, "
        f"average {fraction(result.average_accuracy)}"
        for mode, result in results.items()
    ]
    return figures.described(figure, "\n".join([head, *lines]), alt="; ".join([head, *ends]))
