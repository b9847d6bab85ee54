"""Figures of proposals: how many of them cover the objects, and what scores and suppression leave of them."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from minigooglenet import figures
from minigooglenet.detection import boxes as geometry
from minigooglenet.detection.detections import Detections, Truths, checked_scores
from minigooglenet.detection.figures import panels
from minigooglenet.typing import ArrayLike, UInt8Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLES = ("-", "--", "-.", ":")
MOST_DRAWN = 8  # detections in the last panel; more boxes cannot be told apart
SURE = 0.5  # scores of at least this are counted
COUNTS = (1, 3, 10, 30, 100, 300, 1000)  # of proposals, in the text


def recall(
    proposals: Mapping[str, Sequence[ArrayLike]], truths: Sequence[Truths], least: float = 0.5
) -> tuple["Figure", str]:
    """Draw the fraction of objects that the first proposals cover, against the number of proposals per image.

    Each line ends at all proposals of its set. Difficult objects are not counted.

    Parameters
    ----------
    proposals : {name: boxes (M, 4) of each image}, the proposals that are tried first at the beginning
    truths : one for each image
    least : smallest IoU of an object and a proposal that covers it

    Returns
    -------
    figure, text

    Examples
    --------
    >>> from minigooglenet import detection
    >>> truths = detection.Truths([(0, 0, 8, 8), (10, 10, 14, 14)], [0, 1], [False, False])
    >>> text = detection.figures.recall({"x1": [[(0, 0, 16, 16), (0, 0, 8, 6), (10, 10, 14, 13)]]}, [truths])[1]
    >>> print(text)
    recall at IoU 0.5 of 2 objects in 1 image, against the number of proposals
    name  per image  recall of all       1       3
    x1          3.0          1.000   0.000   1.000
    """
    objects = [true.checked(what=f"truths of image {i}") for i, true in enumerate(truths)]
    wanted = [true.boxes[~true.difficult] for true in objects]
    total = sum(map(len, wanted))
    if not proposals:
        return panels.sentence("No recall: pass at least one set of proposals.")
    if not total:
        return panels.sentence(
            f"No recall: {panels.many(len(objects), 'image')} without objects that are not difficult."
        )
    figure, axis = figures.new(panels.WIDTH, 3.8)
    ranks, numbers = {}, {}
    for i, (name, images) in enumerate(proposals.items()):
        if len(images) != len(wanted):
            raise ValueError(f"proposals {name!r} are for {len(images)} images and truths for {len(wanted)}")
        found = [geometry.iou(boxes, true) >= least for boxes, true in zip(images, wanted, strict=True)]
        # The rank of the first proposal that covers an object; infinity if none does.
        first = [np.where(covers.any(axis=0), _first(covers), np.inf) for covers in found]
        ranks[name], numbers[name] = np.concatenate(first), np.array([len(covers) for covers in found])
        counts = np.arange(numbers[name].max() + 1)
        xs = np.minimum(counts[:, None], numbers[name]).mean(axis=1)
        ys = np.array([np.mean(ranks[name] < count) for count in counts])
        style = {"color": figures.PALETTE[i % 8], "linestyle": STYLES[i % len(STYLES)], "linewidth": 2}
        line = axis.step(xs[1:], ys[1:], where="post", label=_ends(name, xs[-1], ys[-1]), **style)[0]
        # The marker is at the end of the line, and in the legend.
        line.set(marker="osD^"[i % 4], markersize=7, markevery=[len(xs) - 2] if len(xs) > 1 else [])
    axis.set_xscale("log")
    axis.xaxis.set_major_formatter("{x:g}")
    axis.set(ylim=(0, 1.05), xlabel="proposals per image", ylabel=f"recall at IoU {least:g}")
    axis.set_title("Recall of the objects against the number of proposals", fontsize=10)
    axis.grid(alpha=0.3)
    axis.legend(frameon=False, fontsize=9, loc="lower right")
    shown = [count for count in COUNTS if count <= max(values.max() for values in numbers.values())]
    wide = max(4, *map(len, proposals))
    lines = [f"{'name':{wide}}  per image  recall of all" + "".join(f"{count:8}" for count in shown)]
    for name, values in ranks.items():
        columns = "".join(f"{np.mean(values < count):8.3f}" for count in shown)
        lines.append(f"{name:{wide}}  {numbers[name].mean():9.1f}  {np.mean(values < np.inf):13.3f}{columns}")
    head = f"recall at IoU {least:g} of {panels.many(total, 'object')} in {panels.many(len(objects), 'image')}"
    ends = [_ends(name, numbers[name].mean(), np.mean(values < np.inf)) for name, values in ranks.items()]
    head += ", against the number of proposals"
    return panels.described(figure, head, lines, alt="; ".join([head, *ends]))


def _ends(name, number, recall):
    """Return in words where a line ends."""
    return f"{name}: {number:.1f} per image, recall {recall:.3f}"


def _first(covers):
    """Return the index of the first True in each column of (M, K)."""
    return covers.argmax(axis=0) if len(covers) else np.zeros(covers.shape[1], int)


def suppression(
    image: UInt8Array, proposals: ArrayLike, scores: ArrayLike, detections: Detections, classes: Sequence[str]
) -> tuple["Figure", str]:
    """Draw the way from proposals to detections as three panels: proposals, scores, the result of suppression.

    The last panel shows the best detections only; the text has all.

    Parameters
    ----------
    image : uint8 (C, H, W)
    proposals : (M, 4)
    scores : (M,) the largest confidence of each proposal among the classes, without the background
    detections : Detections that remain after suppression
    classes : names of the classes

    Returns
    -------
    figure, text

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet import detection
    >>> boxes, scores = [(0, 0, 20, 20), (1, 0, 20, 20), (0, 0, 40, 30)], [0.9, 0.8, 0.1]
    >>> kept = detection.Detections(boxes[:1], scores[:1], [0])
    >>> print(detection.figures.suppression(np.zeros((3, 30, 40), np.uint8), boxes, scores, kept, ["cat"])[1])
    from proposals to detections: 3 proposals, scores: 2 of at least 0.5; 1 detection, scores: 1 of at least 0.5
    cat 0.90 at (0, 0, 20, 20)
    """
    from matplotlib.cm import ScalarMappable

    pixels, boxes, kept = panels.colours(image), geometry.checked(proposals), detections.checked(len(classes))
    order = np.argsort(-kept.scores, kind="stable")
    kept = Detections(kept.boxes[order], kept.scores[order], kept.labels[order])
    values = checked_scores(scores, len(boxes))
    names = [f"{classes[label]} {score:.2f}" for score, label in zip(kept.scores, kept.labels, strict=True)]
    listed = [f"{number} {name}" for number, name in enumerate(names[:MOST_DRAWN], start=1)]
    if len(names) > MOST_DRAWN:
        listed.append(f"{len(names) - MOST_DRAWN} more are not drawn")
    proposed, found = panels.many(len(boxes), "proposal"), panels.many(len(kept.boxes), "detection")
    sure, still = (f"{np.sum(each >= SURE)} of at least {SURE}" for each in (values, kept.scores))
    titles = [proposed, f"their scores:\n{sure}", f"{found}:\n{still}"]
    figure, axes = panels.grid(titles, below=max(0.55, 0.17 * len(listed)), size=pixels.shape[:2])
    for axis in axes:
        panels.show(axis, pixels, alpha=0.5)
    for box in boxes:
        panels.outline(axes[0], box, "black", halo=False, linewidth=0.7, alpha=0.4)
    scale = ScalarMappable(cmap=figures.SEQUENTIAL)
    scale.set_clim(0, 1)
    for i in np.argsort(values, kind="stable"):  # the best on top
        style = {"linewidth": 0.6 + 1.8 * values[i], "alpha": min(1.0, 0.2 + values[i])}
        panels.outline(axes[1], boxes[i], scale.to_rgba(values[i]), halo=False, **style)
    bar = figure.colorbar(scale, cax=axes[1].inset_axes((0.05, -0.11, 0.9, 0.06)), orientation="horizontal")
    bar.ax.tick_params(labelsize=9)
    bar.set_label("score", fontsize=9)
    bar.set_ticks([0, 0.5, 1])
    drawn = kept.boxes[:MOST_DRAWN]
    for box, score in list(zip(drawn, kept.scores, strict=False))[::-1]:
        panels.outline(axes[2], box, scale.to_rgba(score), linewidth=2)
    for (x, y), label in _labels(drawn):
        style = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.6}
        axes[2].text(x, y, label, ha="center", va="center", fontsize=8, bbox=style)
    axes[2].set_xlabel("\n".join(listed), fontsize=9)
    lines = [f"{name} at {panels.numbers(box)}" for name, box in zip(names, kept.boxes, strict=True)]
    head = f"from proposals to detections: {proposed}, scores: {sure}; {found}, scores: {still}"
    return panels.described(figure, head, lines)


def _labels(boxes):
    """Return ((x, y), numbers) of each distinct box: the corner that is farthest from other labels, and its rows."""
    numbers = dict[tuple[float, ...], list[str]]()
    for number, box in enumerate(boxes.tolist(), start=1):
        numbers.setdefault(tuple(box), []).append(str(number))
    placed = list[tuple[float, float]]()
    for x1, y1, x2, y2 in numbers:
        corners = [(x1, y1), (x2, y1), (x1, y2), (x2, y2)]
        gaps = [min((math.dist(corner, other) for other in placed), default=math.inf) for corner in corners]
        placed.append(corners[int(np.argmax(gaps))])
    return list(zip(placed, map(", ".join, numbers.values()), strict=True))
