"""Figures of an evaluation: precision and recall, and the types of errors."""

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from minigooglenet import figures
from minigooglenet.detection.average_precision import Curve, Points
from minigooglenet.detection.errors import TYPES, ErrorTypes
from minigooglenet.detection.figures import panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FEW = 40  # up to so many detections, each one is marked and listed
ENVELOPE: dict[str, Any] = {"color": figures.PALETTE[0], "linewidth": 2}
PRECISION: dict[str, Any] = {"color": "black", "linewidth": 1, "linestyle": ":"}
MARK: dict[str, Any] = {"marker": "o", "color": "black", "markersize": 5, "linestyle": "none"}
MARKS = {"hit": MARK | {"markerfacecolor": "black"}, "false positive": MARK | {"markerfacecolor": "white"}}
MEANINGS = {
    "class": "right box, wrong class",
    "location": "right class, imprecise box",
    "both": "wrong class, imprecise box",
    "duplicate": "object that already has a hit",
    "background": "hardly overlaps an object",
    "missed": "object without a detection",
}


def precision_recall(curves: Mapping[str, Curve]) -> tuple["Figure", str]:
    """Draw precision against recall with its envelope, side by side for the rules; the area is the AP of all points.

    Parameters
    ----------
    curves : {name: Curve}, from `detection.evaluate` with several rules, or of several classes

    Returns
    -------
    figure, text

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet import detection
    >>> curve = detection.Curve(np.array([0.9, 0.8, 0.7]), np.array([True, False, True]), objects=4)
    >>> print(detection.figures.precision_recall({"voc": curve})[1])
    precision against recall; average precision by all points: voc 0.4167
    voc: 4 objects, 3 detections, 2 hits; AP 0.4167 (all points), 0.4545 (11 points), 0.4224 (101 points)
      best first, + a hit, - a false positive: + - +
      envelope at recall 0, 0.1, ..., 1: 1.00 1.00 1.00 0.67 0.67 0.67 0.00 0.00 0.00 0.00 0.00
    """
    drawn = {name: curve for name, curve in curves.items() if curve.objects}
    undefined = [f"{name}: AP is undefined without objects" for name in curves if name not in drawn]
    if not drawn:
        return panels.sentence("; ".join(undefined) or "No precision and recall: pass at least one curve.")
    figure, axes = panels.grid([f"{name}: AP {curve.average():.4f}" for name, curve in drawn.items()])
    lines = []
    for axis, (name, curve) in zip(axes, drawn.items(), strict=True):
        _draw_curve(axis, curve)
        averages = ", ".join(f"{curve.average(points):.4f} ({points} points)" for points in get_args(Points))
        found = f"{panels.many(len(curve.hits), 'detection')}, {panels.many(int(curve.hits.sum()), 'hit')}"
        lines.append(f"{name}: {panels.many(curve.objects, 'object')}, {found}; AP {averages}")
        if 0 < len(curve.hits) <= FEW:
            lines.append("  best first, + a hit, - a false positive: " + " ".join("-+"[hit] for hit in curve.hits * 1))
        at = np.searchsorted(curve.recall, np.linspace(0, 1, 11))
        values = " ".join(f"{value:.2f}" for value in np.append(curve.envelope, 0.0)[at])
        lines.append(f"  envelope at recall 0, 0.1, ..., 1: {values}")
    for axis in axes[:: panels.COLUMNS]:
        axis.set_ylabel("precision", fontsize=9)
    marked = any(0 < len(curve.hits) <= FEW for curve in drawn.values())
    panels.legend(figure, {"envelope": ENVELOPE, "precision": PRECISION} | (MARKS if marked else {}))
    values = ", ".join(f"{name} {curve.average():.4f}" for name, curve in drawn.items())
    head = f"precision against recall; average precision by all points: {values}"
    return panels.described(figure, head, [*lines, *undefined], alt="; ".join([head, *undefined]))


def _draw_curve(axis: "Axes", curve: Curve) -> None:
    recall, precision = curve.recall, curve.precision
    reached = recall[-1] if len(recall) else 0.0  # beyond it, the envelope is 0
    xs, ys = np.r_[0, recall, reached, 1], np.r_[curve.envelope[:1], curve.envelope, 0, 0]
    xs = xs[len(xs) - len(ys) :]  # without detections, the envelope has no value at recall 0
    axis.fill_between(xs, ys, step="pre", color=figures.PALETTE[5], alpha=0.35, linewidth=0)
    axis.step(xs, ys, where="pre", **ENVELOPE)
    axis.plot(recall, precision, **PRECISION)
    if len(recall) <= FEW:
        for hits, style in zip((True, False), MARKS.values(), strict=True):
            chosen = curve.hits.astype(bool) == hits
            axis.plot(recall[chosen], precision[chosen], **style)
    axis.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.06), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
    axis.set_xlabel("recall", fontsize=9)


def error_types(errors: ErrorTypes) -> tuple["Figure", str]:
    """Draw the number of errors of each type as bars. Missed objects are hatched, because they are not detections.

    Parameters
    ----------
    errors : ErrorTypes, from `detection.error_types`

    Returns
    -------
    figure, text

    Examples
    --------
    >>> from minigooglenet import detection
    >>> truths = detection.Truths([(0, 0, 10, 10), (50, 50, 60, 60)], [0, 1], [False, False])
    >>> found = detection.Detections([(0, 0, 10, 9), (0, 0, 10, 10), (0, 0, 4, 10)], [0.9, 0.8, 0.7], [0, 0, 1])
    >>> print(detection.figures.error_types(detection.error_types([found], [truths]))[1])
    3 detections: 1 hit, 2 wrong; 1 missed object
    class       0  right box, wrong class
    location    0  right class, imprecise box
    both        1  wrong class, imprecise box
    duplicate   1  object that already has a hit
    background  0  hardly overlaps an object
    missed      1  object without a detection
    """
    counts = [errors.counts[name] for name in TYPES]
    detections = sum(map(len, errors.types))
    hits = sum(int(np.sum(types == "hit")) for types in errors.types)
    if not any(counts):
        return panels.sentence(f"No errors: {panels.many(detections, 'detection')}, {panels.many(hits, 'hit')}.")
    figure, axis = figures.new(panels.WIDTH, 3.4)
    for row, (name, count) in enumerate(zip(TYPES, counts, strict=True)):
        missed = name == "missed"
        style = {"color": figures.PALETTE[1 if missed else 5], "edgecolor": "black", "hatch": "//" if missed else ""}
        axis.barh(row, count, label="missed objects" if missed else "wrong detections" if not row else None, **style)
        axis.text(count, row, f" {count:,}", va="center", fontsize=9)
    axis.set_yticks(range(len(TYPES)), [f"{name}\n{MEANINGS[name]}" for name in TYPES])
    axis.invert_yaxis()
    axis.locator_params(axis="x", integer=True)
    axis.margins(x=0.12)
    axis.set_xlabel("number", fontsize=9)
    wrong, ignored = sum(counts[:-1]), sum(int(np.sum(types == "ignored")) for types in errors.types)
    of_difficult = f", {ignored} of difficult objects" * bool(ignored)
    head = f"{panels.many(detections, 'detection')}: {panels.many(hits, 'hit')}{of_difficult}, {wrong:,} wrong"
    head += f"; {panels.many(counts[-1], 'missed object')}"
    figure.suptitle(textwrap.fill(head, 80), fontsize=10)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    wide = len(str(max(counts)))
    lines = [f"{name:10}  {count:{wide}}  {MEANINGS[name]}" for name, count in zip(TYPES, counts, strict=True)]
    listed = ", ".join(f"{name} {count}" for name, count in zip(TYPES, counts, strict=True))
    return panels.described(figure, head, lines, alt=f"{head}. Errors by type: {listed}")
