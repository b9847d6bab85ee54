"""Parts of the figures of detection: images, boxes on them, borders of regions, and a figure without data."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minigooglenet import figures
from minigooglenet.detection import regions
from minigooglenet.typing import Array, FloatArray, IntArray, UInt8Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 5.7  # inches; a phone with 390 pixels, of which a notebook uses 344, shows it without scrolling (LEAST_SHRUNK)
COLUMNS = 3
CHARACTERS = 14  # of a title per inch, at a font size of 9


def grid(
    titles: Sequence[str], columns: int = COLUMNS, below: float = 0.0, size: tuple[int, ...] = (1, 1)
) -> tuple["Figure", "list[Axes]"]:
    """Return a figure, and its axes with a panel for each title.

    Parameters
    ----------
    titles : of the panels; a longer line than a panel is wrapped
    columns : number of panels in a row
    below : free inches below each panel
    size : (H, W) of an image; a panel is as wide as its column
    """
    columns = min(len(titles), columns)
    rows = -(-len(titles) // columns)
    side = WIDTH / max(2, columns)
    most = round(CHARACTERS * side)
    wrapped = ["\n".join(textwrap.fill(line, most) for line in title.splitlines()) for title in titles]
    lines = 1 + max(title.count("\n") for title in wrapped)
    high = side * min(1.0, size[0] / size[1]) + 0.1 + 0.16 * lines + below
    figure, axes = figures.new(side * columns, rows * high, nrows=rows, ncols=columns, squeeze=False)
    for axis, title in zip(axes.flat, wrapped, strict=False):
        axis.set_title(title, fontsize=9)
    axes = list(axes.flat)
    for axis in axes[len(titles) :]:
        axis.set_visible(False)
    del axes[len(titles) :]
    return figure, axes


def show(axis: "Axes", image: Array, alpha: float = 1.0) -> None:
    """Draw an image (H, W, 3) whose pixel (x, y) covers x .. x + 1 and y .. y + 1, as boxes do."""
    height, width = image.shape[:2]
    axis.imshow(image, extent=(0, width, height, 0), alpha=alpha, interpolation="nearest")
    axis.set(xticks=[], yticks=[], xlim=(-0.01 * width, 1.01 * width), ylim=(1.01 * height, -0.01 * height))
    axis.spines[:].set_visible(False)
    axis.set_anchor("N")  # panels of a row are aligned, whatever is below each


def outline(axis: "Axes", box: FloatArray, color: Any, *, halo: bool = True, **style: Any) -> None:
    """Draw a box x1, y1, x2, y2; its white halo makes it visible on any background."""
    from matplotlib import patches, patheffects

    x1, y1, x2, y2 = box
    drawn = patches.Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor=color, **style)
    if halo:
        drawn.set_path_effects([patheffects.withStroke(linewidth=drawn.get_linewidth() + 1.6, foreground="white")])
    axis.add_patch(drawn)


def borders(axis: "Axes", labels: IntArray) -> None:
    """Draw a line between all neighbouring pixels (H, W) with different labels, black on white."""
    from matplotlib.collections import LineCollection

    y, x = np.nonzero(labels[:, 1:] != labels[:, :-1])
    lines = [np.stack([x + 1, y, x + 1, y + 1], axis=1)]
    y, x = np.nonzero(labels[1:] != labels[:-1])
    lines.append(np.stack([x, y + 1, x + 1, y + 1], axis=1))
    segments = np.concatenate(lines).reshape(-1, 2, 2)
    for colour, width in (("white", 1.7), ("black", 0.8)):
        axis.add_collection(LineCollection(list(segments), colors=colour, linewidths=width, capstyle="projecting"))


def legend(figure: "Figure", lines: Mapping[str, Mapping[str, Any]]) -> None:
    """Draw the legend of a figure below it: {name: style of its line}."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], **{"color": "black", "linewidth": 2, **style}, label=name) for name, style in lines.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False, fontsize=9)


def described(figure: "Figure", head: str, lines: Sequence[str], alt: str | None = None) -> tuple["Figure", str]:
    """Return a figure and its text: a sentence and lines with numbers, which are also its alt text unless `alt` is."""
    return figures.described(figure, "\n".join([head, *lines]), "; ".join([head, *lines]) if alt is None else alt)


def colours(image: UInt8Array) -> UInt8Array:
    """Return an image (C, H, W), grey or colour, as (H, W, 3)."""
    image = regions.checked_image(image)
    return np.broadcast_to(image, (3, *image.shape[1:])).transpose(1, 2, 0)


def sentence(text: str) -> tuple["Figure", str]:
    """Return a figure without data: a sentence that explains why."""
    figure, axis = figures.new(WIDTH, 1)
    axis.axis("off")
    axis.text(0.5, 0.5, textwrap.fill(text, 70), ha="center", va="center", transform=axis.transAxes)
    return figures.described(figure, text)


def numbers(box: FloatArray) -> str:
    """Return a box as text."""
    return "({})".format(", ".join(f"{value:.4g}" for value in box))


def many(count: int, word: str) -> str:
    """Return a count with its noun."""
    return f"{count:,} {word}{'s' * (count != 1)}"
