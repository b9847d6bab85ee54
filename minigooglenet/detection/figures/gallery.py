"""A gallery of failures: the wrong detections and the missed objects, each with the object that is there."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

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

STYLES: dict[str, dict[str, Any]] = {
    "detection": {"color": figures.PALETTE[3], "linewidth": 2},
    "object": {"color": figures.PALETTE[0], "linewidth": 2, "linestyle": "--"},
}
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

    def lines(self, positions: bool = False) -> tuple[str, str]:
        """Return in words which class was predicted, and which object is there; with the boxes if asked."""
        at, there = (
            "" if box is None or not positions else f" at {panels.numbers(box)}" for box in (self.box, self.object_box)
        )
        predicted = "nothing predicted" if self.box is None else f"predicted {self.predicted} {self.score:.2f}{at}"
        if self.object_box is None:
            return predicted, "object: none"
        return predicted, f"object: {self.object}{there}" + f", IoU {self.iou:.2f}" * (self.box is not None)


def failures(
    images: Sequence[UInt8Array],
    detections: Sequence[Detections],
    truths: Sequence[Truths],
    classes: Sequence[str],
    count: int = 9,
) -> tuple["Figure", str]:
    """Draw wrong detections and missed objects: a solid box is the detection, a dashed box the object.

    The most confident error of each type is first, then the second of each, and so on. The object is the one that
    explains the type: for a class error, the object of another class that the detection overlaps most.

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
    image 0, location: predicted cat 0.90 at (0, 0, 10, 4); object: cat at (0, 0, 10, 10), IoU 0.40
    image 0, background: predicted dog 0.80 at (20, 20, 30, 30); object: none
    """
    if len(images) != len(detections):
        raise ValueError(f"images and detections must have the same number, got {len(images)} and {len(detections)}")
    count = integer(count, "count", 1)
    ordered = _failures(detections, truths, classes)
    if not ordered:
        return panels.sentence(f"No failures in {panels.many(len(images), 'image')}.")
    shown = ordered[:count]
    titles = ["\n".join([f"image {failure.image}: {failure.type}", *failure.lines()]) for failure in shown]
    figure, axes = panels.grid(titles, below=0.1)
    for axis, failure in zip(axes, shown, strict=True):
        panels.show(axis, panels.colours(images[failure.image]))
        drawn = [(failure.object_box, STYLES["object"]), (failure.box, STYLES["detection"])]
        boxes = [(box, style) for box, style in drawn if box is not None]
        for box, style in boxes:
            panels.outline(axis, box, **style)
        _zoom(axis, np.array([box for box, _ in boxes]), images[failure.image].shape[1:])
    panels.legend(figure, STYLES)
    lines = [f"image {one.image}, {one.type}: {'; '.join(one.lines(positions=True))}" for one in shown]
    return panels.described(figure, f"{len(shown):,} of {panels.many(len(ordered), 'failure')}", lines)


def _failures(detections, truths, classes):
    """Return all failures: the most confident one of each type, then the second of each, and so on."""
    pairs, errors = checked_pairs(detections, truths, len(classes)), error_types(detections, truths)
    by_type = {name: list[Failure]() for name in TYPES}
    for image, (found, true) in enumerate(pairs):
        ious = geometry.iou_of_arrays(found.boxes, true.boxes) * ~true.difficult
        for i, name in enumerate(errors.types[image].tolist()):
            if name in by_type:
                detection = found.scores[i], classes[found.labels[i]], found.boxes[i]
                there = _explained(name, ious[i], true, true.labels == found.labels[i], classes)
                by_type[name].append(Failure(image, name, *detection, *there))
        for i in np.flatnonzero(errors.missed[image]).tolist():
            there = classes[true.labels[i]], true.boxes[i], 0.0
            by_type["missed"].append(Failure(image, "missed", 0.0, "", None, *there))
    ranked = [
        (rank, TYPES.index(name), failure)
        for name, failures in by_type.items()
        for rank, failure in enumerate(sorted(failures, key=lambda one: -one.score))
    ]
    return [failure for *_, failure in sorted(ranked, key=lambda entry: entry[:2])]


def _explained(name, ious, true, same, classes):
    """Return the class and the box of the object that makes a detection an error of this type, and their IoU."""
    if name == "background":
        return "", None, 0.0
    best = int(np.where(same if name in ("location", "duplicate") else ~same, ious, -1.0).argmax())
    return classes[true.labels[best]], true.boxes[best], float(ious[best])


def _zoom(axis, boxes, size):
    """Show a square part of an image of size (H, W) around the boxes (M, 4), inside the image if possible."""
    lows, highs = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    half = min((highs - lows).max() * (0.5 + AROUND), max(size) / 2)
    x, y = (
        np.clip((low + high) / 2, half, max(half, length - half))
        for low, high, length in zip(lows, highs, size[::-1], strict=True)
    )
    axis.set(xlim=(x - half, x + half), ylim=(y + half, y - half))
