"""A gallery of failures: the wrong detections and the missed objects, each with the object that is there."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from minigooglenet import figures
from minigooglenet.detection import boxes as geometry
from minigooglenet.detection.average_precision import checked_pairs
from minigooglenet.detection.detections import Detections, Truths
from minigooglenet.detection.errors import TYPES, error_types
from minigooglenet.detection.figures import panels
from minigooglenet.shapes import integer
from minigooglenet.typing import FloatArray, UInt8Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

AROUND = 0.35  # of the longer side, the surroundings that a crop shows on each side


class Failure(NamedTuple):
    """A wrong detection, or a missed object."""

    image: int
    type: str
    score: float
    predicted: str
    box: FloatArray | None  # of the detection
    object: str
    object_box: FloatArray | None
    iou: float

    def lines(self) -> tuple[str, str]:
        """Return in words which class was predicted, and which object is there."""
        predicted = f"predicted {self.predicted} {self.score:.2f}" if self.box is not None else "nothing predicted"
        there = f"is {self.object}" if self.object_box is not None else "is background"
        return predicted, there + f", IoU {self.iou:.2f}" * (self.box is not None and self.object_box is not None)


def failures(
    images: Sequence[UInt8Array],
    detections: Sequence[Detections],
    truths: Sequence[Truths],
    classes: Sequence[str],
    count: int = 9,
) -> tuple["Figure", str]:
    """Draw wrong detections and missed objects: a solid box is the detection, a dashed box the object.

    The most confident error of each type is first, then the second of each, and so on. The object is the one that the
    detection overlaps most.

    Parameters
    ----------
    images : N images, uint8 (C, H, W), each of any size
    detections, truths : one for each image
    classes : names of the classes
    count : largest number of failures to draw

    Returns
    -------
    figure, text

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet import detection
    >>> truths = detection.Truths([(0, 0, 10, 10)], [0], [False])
    >>> found = detection.Detections([(0, 0, 10, 4), (20, 20, 30, 30)], [0.9, 0.8], [0, 1])
    >>> image = np.zeros((3, 32, 32), np.uint8)
    >>> print(detection.figures.failures([image], [found], [truths], ["cat", "dog"])[1])
    2 of 2 failures
    image 0, location: predicted cat 0.90 at (0, 0, 10, 4); is cat, IoU 0.40 at (0, 0, 10, 10)
    image 0, background: predicted dog 0.80 at (20, 20, 30, 30); is background
    """
    if len(images) != len(detections):
        raise ValueError(f"images and detections must have the same number, got {len(images)} and {len(detections)}")
    count = integer(count, "count", 1)
    ordered = _failures(detections, truths, classes)
    if not ordered:
        return panels.sentence(f"No failures in {panels.many(len(images), 'image')}.")
    shown = ordered[:count]
    figure, axes = panels.grid(len(shown), lines=3)
    lines = []
    for axis, failure in zip(axes, shown, strict=True):
        predicted, there = failure.lines()
        boxes = [box for box in (failure.box, failure.object_box) if box is not None]
        panels.show(axis, panels.colours(images[failure.image]), f"{failure.type}\n{predicted}\n{there}")
        if failure.object_box is not None:
            panels.outline(axis, failure.object_box, figures.PALETTE[0], linewidth=2, linestyle="--")
            there += f" at {panels.numbers(failure.object_box)}"
        if failure.box is not None:
            panels.outline(axis, failure.box, figures.PALETTE[3], linewidth=2)
            predicted += f" at {panels.numbers(failure.box)}"
        _zoom(axis, np.array(boxes))
        lines.append(f"image {failure.image}, {failure.type}: {predicted}; {there}")
    styles = ((figures.PALETTE[3], "-", "detection"), (figures.PALETTE[0], "--", "object"))
    for colour, dashes, name in styles:
        axes[0].plot([], [], color=colour, linestyle=dashes, linewidth=2, label=name)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    head = f"{len(shown):,} of {panels.many(len(ordered), 'failure')}"
    return figures.described(figure, "\n".join([head, *lines]), alt="; ".join([head, *lines]))


def _failures(detections, truths, classes):
    """Return all failures: the most confident one of each type, then the second of each, and so on."""
    errors, found = error_types(detections, truths), {name: list[Failure]() for name in TYPES}
    for image, (wrong, true) in enumerate(checked_pairs(detections, truths, len(classes))):
        ious = geometry.iou_of_arrays(wrong.boxes, true.boxes)
        for i, name in enumerate(errors.types[image]):
            if name in found:
                best = int(ious[i].argmax()) if ious[i].any() else None
                there = (
                    ("", None, 0.0) if best is None else (classes[true.labels[best]], true.boxes[best], ious[i, best])
                )
                predicted = classes[wrong.labels[i]]
                found[name].append(Failure(image, str(name), wrong.scores[i], predicted, wrong.boxes[i], *there))
        for i in np.flatnonzero(errors.missed[image]):
            there = classes[true.labels[i]], true.boxes[i], 0.0
            found["missed"].append(Failure(image, "missed", 0.0, "", None, *there))
    ranked = [
        (rank, TYPES.index(name), failure)
        for name, failures in found.items()
        for rank, failure in enumerate(sorted(failures, key=lambda one: -one.score))
    ]
    return [failure for *_, failure in sorted(ranked, key=lambda entry: entry[:2])]


def _zoom(axis, boxes):
    """Show a square part of the image around the boxes (M, 4)."""
    (x1, y1), (x2, y2) = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    half = max(x2 - x1, y2 - y1) * (0.5 + AROUND)
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    axis.set(xlim=(x - half, x + half), ylim=(y + half, y - half))
