"""Figures of proposals: how many of them cover the objects, and what scores and suppression leave of them."""

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
MOST_LISTED = 8  # detections under the last panel
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
        axis.step(xs[1:], ys[1:], where="post", label=f"{name}: {xs[-1]:.0f} proposals, recall {ys[-1]:.3f}", **style)
        end = slice(-1 if xs[-1] > 0 else len(xs), None)  # a logarithmic axis has no position 0
        axis.plot(xs[end], ys[end], "osD^"[i % 4], color=figures.PALETTE[i % 8], markersize=7)
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
    ends = [
        f"{name}: {numbers[name].mean():.0f} per image, recall {np.mean(values < np.inf):.3f}"
        for name, values in ranks.items()
    ]
    head += ", against the number of proposals"
    return figures.described(figure, "\n".join([head, *lines]), alt="; ".join([head, *ends]))


def _first(covers):
    """Return the index of the first True in each column of (M, K)."""
    return covers.argmax(axis=0) if len(covers) else np.zeros(covers.shape[1], int)


def suppression(
    image: UInt8Array, proposals: ArrayLike, scores: ArrayLike, detections: Detections, classes: Sequence[str]
) -> tuple["Figure", str]:
    """Draw the way from proposals to detections as three panels: proposals, scores, the result of suppression.

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
    from proposals to detections: 3 proposals, 2 with a score of at least 0.5, 1 detection
    cat 0.90 at (0, 0, 20, 20)
    """
    from matplotlib.cm import ScalarMappable

    pixels, boxes, kept = panels.colours(image), geometry.checked(proposals), detections.checked(len(classes))
    values = checked_scores(scores, len(boxes))
    titles = (
        panels.many(len(boxes), "proposal"),
        f"scores: {np.sum(values >= 0.5)} of at least 0.5",
        panels.many(len(kept.boxes), "detection"),
    )
    named = [f"{classes[label]} {score:.2f}" for score, label in zip(kept.scores, kept.labels, strict=True)]
    listed = [f"{number} {name}" for number, name in enumerate(named[:MOST_LISTED], start=1)]
    if len(named) > MOST_LISTED:
        listed.append(f"and {len(named) - MOST_LISTED} more")
    figure, axes = panels.grid(3, below=max(0.55, 0.17 * len(listed)), size=pixels.shape[:2])
    for axis, title in zip(axes, titles, strict=True):
        panels.show(axis, pixels, title, alpha=0.5)
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
    lines = []
    for number, (name, box, label) in enumerate(zip(named, kept.boxes, kept.labels, strict=True), start=1):
        lines.append(f"{name} at {panels.numbers(box)}")
        panels.outline(axes[2], box, figures.PALETTE[label % 8], linewidth=2)
        style = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.6}
        axes[2].text(box[0], box[1], str(number), ha="center", va="center", fontsize=8, bbox=style)
    axes[2].set_xlabel("\n".join(listed), fontsize=9)
    scored = f"{np.sum(values >= 0.5)} with a score of at least 0.5"
    head = f"from proposals to detections: {titles[0]}, {scored}, {titles[2]}"
    return figures.described(figure, "\n".join([head, *lines]), alt="; ".join([head, *lines]))
