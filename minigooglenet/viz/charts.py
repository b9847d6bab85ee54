"""Bar charts and line charts, each with a description in words."""

import collections.abc
from typing import TYPE_CHECKING

from minigooglenet import figures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HATCHES = ("", "//", "..", "xx")
FEW = 6  # up to this many bars, the alt text lists all of them
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


def bar_chart(
    values: dict[str, float],
    label: str,
    *,
    marked: collections.abc.Collection[str] = (),
    height: float | None = None,
) -> tuple["Figure", str]:
    """Draw {name: value} as horizontal bars, the first at the top.

    Parameters
    ----------
    values : {name: value}
    label : of the horizontal axis
    marked : names of bars with a different colour and a hatch
    height : of the figure in inches (default: depends on the number of bars)

    Returns
    -------
    figure, text

    Examples
    --------
    >>> import minigooglenet as mg
    >>> figure, text = mg.viz.bar_chart({"conv1": 118, "conv2": 360}, "million MACs", marked=["conv2"])
    >>> print(text.splitlines()[0])
    bar chart, 2 bars, million MACs; the longest is conv2 with 360
    """
    figure, axis = figures.new(6, height or 0.8 + 0.24 * len(values))
    names, tallest, shortest = list(values), max(values, key=values.__getitem__), min(values, key=values.__getitem__)
    for row, name in enumerate(names):
        special = name in marked
        axis.barh(row, values[name], color=figures.PALETTE[special], hatch="//" if special else "", edgecolor="black")
    axis.set_yticks(range(len(names)), names)
    axis.set(xlabel=label)
    axis.set_ylim(len(names) - 0.4, -0.6)
    text = f"bar chart, {len(names)} bars, {label}; the longest is {tallest} with {values[tallest]:,.6g}"
    if len(names) <= FEW:
        alt = "; ".join([f"bar chart of {label}", *(f"{name}: {value:,.4g}" for name, value in values.items())])
    else:
        alt = f"{text}; the shortest is {shortest} with {values[shortest]:,.6g}"
    return figures.described(figure, f"{text}\n{figures.bars(values)}", alt=alt)


def line_chart(
    lines: dict[str, tuple[collections.abc.Sequence[float], collections.abc.Sequence[float]]],
    x_label: str,
    y_label: str,
    *,
    log: bool = False,
    area: bool = False,
) -> tuple["Figure", str]:
    """Draw {name: (xs, ys)} as lines, each with its own colour and marker.

    Parameters
    ----------
    lines : {name: (xs, ys)}
    x_label, y_label : labels of the axes
    log : draw the vertical axis on a logarithmic scale
    area : fill the area below each line

    Returns
    -------
    figure, text

    Examples
    --------
    >>> import minigooglenet as mg
    >>> figure, text = mg.viz.line_chart({"train": ([0, 1, 2], [2.3, 1.1, 0.4])}, "epoch", "loss")
    >>> print(text)
    line chart of loss against epoch
    train: from 2.3 to 0.4, largest 2.3 at epoch 0
    """
    figure, axis = figures.new(6, 3.4)
    text = [f"line chart of {y_label} against {x_label}"]
    for i, (name, (xs, ys)) in enumerate(lines.items()):
        colour, points = figures.PALETTE[i % 8], max(1, len(xs) // 12)
        marker = {"marker": MARKERS[i % 8], "markevery": points, "markersize": 5}
        axis.plot(xs, ys, color=colour, label=name, **marker)
        if area:
            axis.fill_between(xs, ys, color=colour, alpha=0.3, hatch=HATCHES[i % 4])
        top = max(range(len(ys)), key=ys.__getitem__)
        text.append(f"{name}: from {ys[0]:,.4g} to {ys[-1]:,.4g}, largest {ys[top]:,.4g} at {x_label} {xs[top]:,.4g}")
    axis.set(xlabel=x_label, ylabel=y_label, yscale="log" if log else "linear")
    axis.legend(fontsize=9, frameon=False)
    return figures.described(figure, "\n".join(text), alt="; ".join(text))
