"""Average precision under three rules, which differ in the object that a detection is compared with.

voc : its best object, the one with the largest IoU; if an earlier detection hit that object, this one is a duplicate
    (Everingham et al., "The PASCAL Visual Object Classes Challenge", 2010, section 4.2)
ilsvrc : the best object that no earlier detection hit; for small objects, a smaller IoU is enough
    (Russakovsky et al., "ImageNet Large Scale Visual Recognition Challenge", 2015, section 4.3)
coco : the best object that no earlier detection hit (Lin et al., "Microsoft COCO", 2014, and the code of pycocotools)

A difficult object is not counted, neither are its detections, however many there are.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from minigooglenet import checks, console, names
from minigooglenet.detection import boxes as geometry
from minigooglenet.detection.detections import Detections, Truths
from minigooglenet.shapes import integer
from minigooglenet.typing import Array, FloatArray, IntArray

Rule = Literal["voc", "ilsvrc", "coco"]
Points = Literal["all", "11", "101"]
RULES = ("voc", "ilsvrc", "coco")
POINTS = ("all", "11", "101")
SMALL = 10  # pixels around a small object, in ILSVRC's threshold


class Curve(NamedTuple):
    """The counted detections of one class in all images, the best score first, and their precision and recall.

    Of equal scores, the smaller image index is first, and in one image the smaller index.

    Attributes
    ----------
    scores : (D,) float64, descending
    hits : (D,) booleans: the detection hits an object; otherwise it is a false positive
    objects : number of objects that are not difficult

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet import detection
    >>> curve = detection.Curve(np.array([0.9, 0.8, 0.7]), np.array([True, False, True]), objects=4)
    >>> curve.recall.tolist(), curve.precision.round(2).tolist(), curve.envelope.round(2).tolist()
    ([0.25, 0.25, 0.5], [1.0, 0.5, 0.67], [1.0, 0.67, 0.67])
    """

    scores: FloatArray
    hits: Array
    objects: int

    def __repr__(self) -> str:
        return console.brief(self)

    @property
    def recall(self) -> FloatArray:
        """Hits / objects after each detection, (D,); NaN if the class has no objects."""
        hits = np.cumsum(self.hits)
        return hits / self.objects if self.objects else np.full(len(hits), np.nan)

    @property
    def precision(self) -> FloatArray:
        """Hits / detections after each detection, (D,)."""
        return np.asarray(np.cumsum(self.hits) / np.arange(1, len(self.hits) + 1))

    @property
    def envelope(self) -> FloatArray:
        """The largest precision at this or any larger recall, (D,)."""
        return np.asarray(np.maximum.accumulate(self.precision[::-1])[::-1])

    def average(self, points: Points = "all") -> float:
        """Return the average precision: the mean of the envelope over recalls in [0, 1], or NaN without objects.

        Parameters
        ----------
        points : "all" is the area under the envelope (VOC since 2010, ILSVRC); "11" takes the recalls 0, 0.1, ..., 1
            (VOC until 2009), and "101" the recalls 0, 0.01, ..., 1 (COCO). As in pycocotools, a recall is compared with
            these as floating-point numbers: 3 of 10 objects do not reach 0.1 * 3 = 0.30000000000000004.

        Examples
        --------
        >>> import numpy as np
        >>> from minigooglenet import detection
        >>> curve = detection.Curve(np.array([0.9, 0.8, 0.7]), np.array([True, False, True]), objects=4)
        >>> [round(curve.average(points), 4) for points in ("all", "11", "101")]
        [0.4167, 0.4545, 0.4224]
        """
        if points not in POINTS:
            raise ValueError(names.unknown("number of points", points, POINTS))
        if not self.objects:
            return float("nan")
        if points == "all":
            return float(self.envelope[self.hits].sum() / self.objects)
        first = np.searchsorted(self.recall, np.linspace(0, 1, int(points)))  # the first detection with this recall
        return float(np.append(self.envelope, 0.0)[first].mean())


class Evaluation(NamedTuple):
    """Average precision of each class, and its mean.

    Attributes
    ----------
    classes : names of the K classes
    ap : (K,) average precision, NaN for a class without objects
    mean_ap : mean over the classes with objects; NaN if all classes are without
    excluded : the classes without objects, which are not part of the mean
    false_positives : (K,) integers
    curves : K curves of precision and recall

    Examples
    --------
    >>> from minigooglenet import detection
    >>> detections = detection.Detections([(0, 0, 4, 4), (5, 5, 9, 9)], [0.9, 0.8], [0, 0])
    >>> truths = detection.Truths([(0, 0, 4, 4)], [0], [False])
    >>> result = detection.evaluate([detections], [truths], ["cat", "dog"])
    >>> result.ap.tolist(), result.mean_ap, result.excluded, result.false_positives.tolist()
    ([1.0, nan], 1.0, ('dog',), [1, 0])
    """

    classes: tuple[str, ...]
    ap: FloatArray
    mean_ap: float
    excluded: tuple[str, ...]
    false_positives: IntArray
    curves: tuple[Curve, ...]

    def __repr__(self) -> str:
        return console.brief(self)


def evaluate(
    detections: Sequence[Detections],
    truths: Sequence[Truths],
    classes: Sequence[str],
    rule: Rule = "voc",
    points: Points = "all",
    threshold: float = 0.5,
) -> Evaluation:
    """Return the average precision of each class and its mean.

    Parameters
    ----------
    detections, truths : one for each image, in the same order
    classes : names of all classes; labels are indices in it
    rule : "voc", "ilsvrc" or "coco", see `average_precision`
    points : "all", "11" or "101", see `Curve.average`
    threshold : smallest IoU of a hit

    Raises
    ------
    ValueError
        If the numbers of images differ, a label is not the index of a class, or a box or score is invalid.

    Examples
    --------
    >>> from minigooglenet import detection
    >>> nothing, truths = detection.Detections([], [], []), detection.Truths([(0, 0, 4, 4)], [0], [False])
    >>> detection.evaluate([nothing], [truths], ["cat"]).mean_ap
    0.0
    """
    classes = tuple(classes)
    images = _checked_images(detections, truths, len(classes), rule, threshold)
    curves = tuple(_curve(images, label, rule, threshold) for label in range(len(classes)))
    ap = np.array([curve.average(points) for curve in curves], np.float64)
    known = ~np.isnan(ap)
    return Evaluation(
        classes,
        ap,
        float(ap[known].mean()) if known.any() else float("nan"),
        tuple(name for name, with_objects in zip(classes, known, strict=True) if not with_objects),
        np.array([np.sum(~curve.hits) for curve in curves], np.int64),
        curves,
    )


def average_precision(
    detections: Sequence[Detections],
    truths: Sequence[Truths],
    label: int,
    rule: Rule = "voc",
    points: Points = "all",
    threshold: float = 0.5,
) -> float:
    """Return the average precision of one class, or NaN if it has no objects.

    Detections are compared with the objects of their image and class, the best score first. A hit needs an IoU of at
    least the threshold with an object that no earlier detection hit. The rules differ if objects are close together.

    Parameters
    ----------
    detections, truths : one for each image, in the same order
    label : index of the class
    rule : "voc" compares with the object of the largest IoU, hit or not; "coco" and "ilsvrc" compare with the best
        object that no earlier detection hit. "ilsvrc" lowers the threshold for small objects of w x h pixels to
        w h / ((w + 10) (h + 10))
    points : "all", "11" or "101", see `Curve.average`
    threshold : smallest IoU of a hit

    Examples
    --------
    >>> from minigooglenet import detection
    >>> truths = detection.Truths([(0, 0, 40, 40), (10, 0, 50, 40)], [0, 0], [False, False])
    >>> detections = detection.Detections([(0, 0, 40, 40), (4, 0, 44, 40)], [0.9, 0.8], [0, 0])
    >>> [detection.average_precision([detections], [truths], 0, rule) for rule in ("voc", "ilsvrc", "coco")]
    [0.5, 1.0, 1.0]
    """
    images = _checked_images(detections, truths, None, rule, threshold)
    return _curve(images, integer(label, "label", 0), rule, threshold).average(points)


def _checked_images(detections, truths, classes, rule, threshold):
    """Return a list of (Detections, Truths), one for each image."""
    if rule not in RULES:
        raise ValueError(names.unknown("rule", rule, RULES))
    checks.number(threshold, "threshold", 0, 1)
    return checked_pairs(detections, truths, classes)


def checked_pairs(
    detections: Sequence[Detections], truths: Sequence[Truths], classes: int | None = None
) -> list[tuple[Detections, Truths]]:
    """Return the checked detections and truths of each image as pairs; an error names the image."""
    for name, values, kind in (("detections", detections, Detections), ("truths", truths, Truths)):
        if isinstance(values, kind):
            raise TypeError(f"{name} must be a list with one {kind.__name__} per image. For a single image, pass [it].")
    if len(detections) != len(truths):
        raise ValueError(
            f"detections are for {len(detections):,} images and truths for {len(truths):,}. "
            "An image without any needs an empty entry: Detections([], [], [])."
        )
    return [
        (
            predicted.checked(classes, what=f"detections of image {i}"),
            truth.checked(classes, what=f"truths of image {i}"),
        )
        for i, (predicted, truth) in enumerate(zip(detections, truths, strict=True))
    ]


def _curve(images, label, rule, threshold):
    """Return the curve of a class in checked images."""
    scores, hits, objects = [np.zeros(0)], [np.zeros(0, bool)], 0
    for detections, truths in images:
        ranked, of_class = np.flatnonzero(detections.labels == label), truths.labels == label
        ranked = ranked[np.argsort(-detections.scores[ranked], kind="stable")]
        boxes, difficult = truths.boxes[of_class], truths.difficult[of_class]
        objects += int(np.sum(~difficult))
        if len(ranked):
            ious = geometry.iou_of_arrays(detections.boxes[ranked], boxes)
            matched = match(ious, difficult, _least(boxes, rule, threshold), rule)
            counted = (matched < 0) | ~np.append(difficult, False)[matched]
            scores.append(detections.scores[ranked[counted]])
            hits.append(matched[counted] >= 0)
    all_scores, all_hits = np.concatenate(scores), np.concatenate(hits)
    order = np.argsort(-all_scores, kind="stable")
    return Curve(all_scores[order], all_hits[order], objects)


def _least(boxes, rule, threshold):
    """Return the smallest IoU of a hit for each object (K, 4), (K,)."""
    if rule == "ilsvrc":
        sides = boxes[:, 2:] - boxes[:, :2]
        return np.minimum(threshold, sides.prod(axis=1) / (sides + SMALL).prod(axis=1))
    return np.full(len(boxes), threshold)


def match(ious: FloatArray, difficult: Array, least: FloatArray, rule: Rule) -> IntArray:
    """Return the index of the object that each detection hits, (M,), or -1 for a false positive.

    Detections of a difficult object get its index too, each of them. Every other object is hit at most once.

    Parameters
    ----------
    ious : (M, K), the best detection first
    difficult : (K,) booleans
    least : (K,) smallest IoU of a hit
    rule : "voc", "ilsvrc" or "coco"
    """
    matched = np.full(len(ious), -1, np.int64)
    near = (ious >= least) & (ious > 0)  # with a threshold of 0, boxes must still overlap
    free = ~difficult
    for i in np.flatnonzero(near.any(axis=1)):
        if rule == "voc":
            best = int(ious[i].argmax())
            usable = near[i, best] and (difficult[best] or free[best])
        else:
            candidates = near[i] & free
            if not candidates.any():
                candidates = near[i] & difficult
            overlaps = np.where(candidates, ious[i], -1.0)
            # Of equal overlaps, the first one counts, as in argmax; but pycocotools takes the last one.
            best = int(overlaps.argmax()) if rule == "ilsvrc" else len(overlaps) - 1 - int(overlaps[::-1].argmax())
            usable = candidates[best]
        if usable:
            matched[i] = best
            free[best] = False
    return matched
